"""A run that began, and of which no end will come."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from lineage.models import Job, Run
from lineage.summaries import connection_summary
from tests.lineage.build import run_event
from tests.lineage.conftest import Sender

RUN, PARENT = UUID(int=1), UUID(int=2)
PARENT_FACET = {"parent": {"run": {"runId": str(PARENT)}, "job": {"namespace": "namespace", "name": "dag"}}}


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


def state(run: UUID = RUN) -> str:
    return Run.objects.with_states().get(id=run).shown_state


def send(sender: Sender, type_: str, time: str, *, run: UUID = RUN, **fields: Any) -> None:
    sender.send(run_event(type_, time, run=str(run), **fields), now=timezone.now())


def test_nothing_heard_for_a_day(sender: Sender) -> None:
    send(sender, "START", ago(hours=23))
    assert state() == "RUNNING"
    send(sender, "START", ago(hours=25), run=PARENT)
    assert state(PARENT) == "LOST"
    assert Run.objects.get(id=PARENT).state == "RUNNING"


def test_any_later_event_revives_it(sender: Sender) -> None:
    send(sender, "START", ago(hours=50))
    assert state() == "LOST"
    send(sender, "OTHER", ago(hours=2))
    assert state() == "RUNNING"
    send(sender, "COMPLETE", ago(hours=1))
    assert state() == "COMPLETED"


def test_a_job_that_takes_long_is_waited_for_four_times_as_long(sender: Sender) -> None:
    for number in (10, 11, 12):
        send(sender, "START", ago(hours=100), run=UUID(int=number))
        send(sender, "COMPLETE", ago(hours=90), run=UUID(int=number))
    send(sender, "START", ago(hours=39))
    assert state() == "RUNNING"
    send(sender, "START", ago(hours=41), run=PARENT)
    assert state(PARENT) == "LOST"


def test_what_streams_is_never_lost(sender: Sender) -> None:
    for run, processing in ((RUN, "STREAMING"), (PARENT, "SERVICE")):
        job_type = {"jobType": {"jobType": "JOB", "integration": "FLINK", "processingType": processing}}
        send(sender, "START", ago(days=30), run=run, job=processing, job_facets=job_type)
        assert state(run) == "RUNNING"


def test_a_parent_that_ended_leaves_no_child_running(sender: Sender) -> None:
    send(sender, "START", ago(minutes=40), run_facets=PARENT_FACET)
    send(sender, "START", ago(minutes=50), run=PARENT, job="dag")
    assert state() == "RUNNING"
    send(sender, "COMPLETE", ago(minutes=30), run=PARENT, job="dag")
    assert state() == "LOST"
    send(sender, "RUNNING", ago(minutes=20), run_facets=PARENT_FACET)
    assert state() == "RUNNING"


def test_the_events_of_a_child_may_be_under_way_when_its_parent_ends(sender: Sender) -> None:
    send(sender, "START", ago(minutes=9), run_facets=PARENT_FACET)
    send(sender, "FAIL", ago(minutes=5), run=PARENT, job="dag")
    assert state() == "RUNNING"


def test_only_what_seems_to_run_is_lost(sender: Sender) -> None:
    send(sender, "OTHER", ago(days=30))
    assert state() == "UNKNOWN"
    send(sender, "FAIL", ago(days=30), run=PARENT)
    assert state(PARENT) == "FAILED"


def job(name: str = "job") -> Job:
    return Job.objects.with_states().get(name=name)


def jobs_in(sender: Sender, state: str) -> list[str]:
    return sorted(Job.objects.of(sender.connection).in_state(state).values_list("name", flat=True))


def test_a_job_is_lost_with_its_latest_run_and_runs_again_with_it(sender: Sender) -> None:
    send(sender, "START", ago(hours=50))
    assert (job().shown_state, job().shown_running_runs) == ("LOST", 0)
    assert (jobs_in(sender, "LOST"), jobs_in(sender, "RUNNING")) == (["job"], [])
    summary = connection_summary(sender.connection, now=timezone.now())
    assert (summary.total_jobs, summary.running_jobs) == (1, 0)

    send(sender, "RUNNING", ago(hours=2))
    assert (job().shown_state, job().shown_running_runs) == ("RUNNING", 1)
    assert (jobs_in(sender, "LOST"), jobs_in(sender, "RUNNING")) == ([], ["job"])
    assert connection_summary(sender.connection, now=timezone.now()).running_jobs == 1


def test_runs_that_were_lost_before_keep_no_job_running(sender: Sender) -> None:
    for number in (10, 11):
        send(sender, "START", ago(hours=90 - number), run=UUID(int=number))
    send(sender, "START", ago(hours=3))
    assert (job().shown_state, job().shown_running_runs) == ("RUNNING", 1)
    send(sender, "COMPLETE", ago(hours=2))
    assert (job().shown_state, job().shown_running_runs) == ("COMPLETED", 0)
    assert (jobs_in(sender, "COMPLETED"), jobs_in(sender, "RUNNING"), jobs_in(sender, "LOST")) == (["job"], [], [])


def test_of_many_running_runs_all_are_counted(sender: Sender) -> None:
    events = [run_event("START", ago(hours=2), run=str(UUID(int=number))) for number in range(1, 131)]
    sender.send(*events, now=timezone.now())
    assert job().shown_running_runs == 130
    lost = [run_event("START", ago(hours=60), run=str(UUID(int=number))) for number in range(201, 206)]
    sender.send(*lost, now=timezone.now())
    # Those that it does not look at, the oldest ones, count as running.
    assert job().shown_running_runs == 135


def test_what_needs_attention_comes_first(sender: Sender) -> None:
    send(sender, "START", ago(hours=1), run=UUID(int=1), job="running")
    send(sender, "START", ago(hours=50), run=UUID(int=2), job="lost")
    send(sender, "FAIL", ago(hours=90), run=UUID(int=3), job="failed")
    send(sender, "COMPLETE", ago(minutes=1), run=UUID(int=4), job="completed")
    jobs = Job.objects.of(sender.connection)
    assert [job.name for job in jobs.needing_attention_first()] == ["failed", "lost", "running", "completed"]
    # How long the one took that was lost is not known.
    by_duration = jobs.sorted_by("duration", descending=True)
    assert next(job.name for job in by_duration) == "running"
