"""Breakdown of a connection's jobs in one query, with the results of separate queries."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from lineage.jobs.breakdown import JobBreakdown, job_breakdown
from lineage.models import Job
from lineage.models.job_queryset import ALL_STATES
from tests.lineage.build import run_event
from tests.lineage.conftest import Sender


def send(sender: Sender, job: str, number: int, type_: str, *, hours: float, **fields: Any) -> None:
    time = (timezone.now() - timedelta(hours=hours)).isoformat()
    sender.send(run_event(type_, time, run=str(UUID(int=number)), job=job, **fields), now=timezone.now())


def facts(sender: Sender) -> JobBreakdown:
    return job_breakdown([sender.connection.pk])


def test_states_are_those_that_each_job_is_shown_in(sender: Sender) -> None:
    send(sender, "failed", 1, "FAIL", hours=1)
    send(sender, "running", 2, "START", hours=1)
    send(sender, "lost", 3, "START", hours=50)
    # The latest run was lost or has ended, and an earlier one was heard of since.
    send(sender, "lost beside a running one", 4, "START", hours=60)
    send(sender, "lost beside a running one", 4, "RUNNING", hours=1)
    send(sender, "lost beside a running one", 5, "START", hours=50)
    send(sender, "completed beside a running one", 6, "START", hours=3)
    send(sender, "completed beside a running one", 7, "COMPLETE", hours=1)
    send(sender, "running after a lost one", 8, "START", hours=50)
    send(sender, "running after a lost one", 9, "START", hours=1)
    jobs = Job.objects.of(sender.connection)
    counts = facts(sender).by_state
    assert counts == jobs.counts_by_state()
    assert counts == {ALL_STATES: 6, "FAILED": 1, "RUNNING": 4, "LOST": 2, "COMPLETED": 1}
    assert all(jobs.in_state(state).count() == count for state, count in counts.items() if state != ALL_STATES)
    assert facts(sender).total == 6
    assert set(jobs.in_state("LOST").values_list("name", flat=True)) == {"lost", "lost beside a running one"}


def test_without_a_job(sender: Sender) -> None:
    assert facts(sender) == JobBreakdown({}, {}, {}, {}, {}, {}, inside={})


def test_kinds_owners_tags_and_what_folds(sender: Sender) -> None:
    send(sender, "dag", 1, "COMPLETE", hours=1)
    dag = Job.objects.get(name="dag")
    for number, (name, owners, tags) in enumerate(
        [("b", ["ann", "zoe"], ["x"]), ("a", ["ann"], []), ("alone", [], ["x"])], start=2
    ):
        send(sender, name, number, "COMPLETE", hours=1)
        parent = dag.id if name != "alone" else UUID(int=99)
        Job.objects.filter(name=name).update(kind="TASK", owners=owners, tags=tags, parent_job_id=parent)
    found = facts(sender)
    assert found.by_kind == {"JOB": 1, "TASK": 3}
    assert found.by_owner == {"ann": 2, "zoe": 1}
    assert found.by_tag == {"x": 2}
    # The parent of the one that stands alone is not a job of this connection.
    assert found.on_top == Job.objects.of(sender.connection).outside(found.inside).count() == 2
    assert found.by_namespace == {"namespace": 4}
    Job.objects.filter(name="a").update(namespace="another")
    assert facts(sender).by_namespace == {"another": 1, "namespace": 3}
