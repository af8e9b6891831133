"""A run that began, and of which no end will come."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from lineage.models import Run
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
