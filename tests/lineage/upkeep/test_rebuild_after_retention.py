"""Facts that only dropped events gave are kept, because nothing could give them again; all others come from stored
events."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connections.models import Connection
from lineage.models import Dataset, Edge, Event, Job, Run
from lineage.upkeep.rebuild.rebuild import Rebuilt, rebuild_connection
from lineage.upkeep.retention import drop_old_events, drop_old_runs, ensure_partitions
from tests.lineage.build import dataset, run_event
from tests.lineage.conftest import Sender
from tests.lineage.stored import WEEK, make_week
from tests.lineage.upkeep.test_rebuild import rows

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# Far from today, around which the migration made partitions.
MONDAY = datetime(2031, 1, 6, tzinfo=UTC)
NOW = MONDAY + 20 * WEEK
# The last day of the oldest week that stays, and of the one before it.
OLDEST_KEPT = MONDAY + 7 * WEEK
DROPPED = OLDEST_KEPT - HOUR

DESCRIBED = {"jobType": {"jobType": "DAG", "integration": "AIRFLOW", "processingType": "BATCH"}}


@pytest.fixture
def sender(sender: Sender) -> Sender:
    """Sender of half a year of events; those of the first weeks are dropped."""
    Connection.objects.filter(pk=sender.connection.pk).update(created_at=MONDAY)
    sender.connection.refresh_from_db()
    for week in range(20):
        make_week(MONDAY + week * WEEK)
    ensure_partitions(NOW)
    send(sender, "dropped", DROPPED, DROPPED + timedelta(minutes=1))
    send(sender, "across", DROPPED, OLDEST_KEPT + HOUR)
    send(sender, "kept", OLDEST_KEPT, OLDEST_KEPT + HOUR)
    # Only now and then did an event say what a job is, or how a dataset looks.
    send(sender, "across", NOW - DAY, NOW - DAY + HOUR, plain=True)
    drop_old_events(NOW)
    drop_old_runs(NOW)
    assert {event.event_time for event in Event.objects.all()} == {
        *(OLDEST_KEPT, OLDEST_KEPT + HOUR, NOW - DAY, NOW - DAY + HOUR)
    }
    return sender


def send(sender: Sender, job: str, start: datetime, end: datetime, *, plain: bool = False) -> None:
    """A run of it that reads and writes; described at its start, unless plain."""
    run = str(uuid.uuid4())
    facets: dict[str, Any] = {} if plain else {"schema": {"fields": []}}
    event: dict[str, Any] = {
        "run": run,
        "job": job,
        "inputs": [dataset(f"of {job}", **facets)],
        "outputs": [dataset("of all")],
    }
    described = {} if plain else DESCRIBED
    sender.send(run_event("START", start.isoformat(), job_facets=described, **event), now=start)
    sender.send(run_event("COMPLETE", end.isoformat(), **event | {"inputs": [], "outputs": []}), now=end)


def rebuild(sender: Sender) -> Rebuilt:
    return rebuild_connection(sender.connection, clock=lambda: NOW)


def test_nothing_is_lost(sender: Sender) -> None:
    before = rows()
    assert {run.job.name for run in Run.objects.select_related("job")} == {"dropped", "across", "kept"}
    rebuilt = rebuild(sender)
    assert rows() == before
    assert sum(rebuilt.changed.values()) == 0


def test_rows_of_stored_events_are_mended_all_the_same(sender: Sender) -> None:
    before = rows()
    Run.objects.filter(first_event_at__gte=OLDEST_KEPT).update(started_at=None, event_count=999, active=False)
    Edge.objects.filter(first_event_hour__gte=OLDEST_KEPT).update(last_event_hour=NOW + DAY)
    Job.objects.update(running_runs=7, latest_run_state="FAILED")
    Run.objects.create(
        connection=sender.connection,
        id=uuid.uuid4(),
        run_id=uuid.uuid4(),
        job=Job.objects.get(name="kept"),
        first_event_at=NOW,
        last_event_at=NOW,
        event_count=1,
    )
    rebuild(sender)
    assert rows() == before


def test_what_is_missing_of_a_row_that_knew_more_is_filled_in(sender: Sender) -> None:
    before = rows()
    Run.objects.filter(job__name="across", first_event_at__lt=OLDEST_KEPT).update(
        terminal_type=None, ended_at=None, last_event_at=DROPPED
    )
    rebuild(sender)
    assert rows() == before


def test_descriptions_that_dropped_events_gave_stay(sender: Sender) -> None:
    rebuild(sender)
    job = Job.objects.get(name="across")
    assert (job.kind, job.integration, job.described_at) == ("DAG", "AIRFLOW", DROPPED)
    assert Dataset.objects.get(name="of across").described
    assert Dataset.objects.filter(name="of dropped").exists()
    assert Edge.objects.filter(job__name="dropped").count() == 2


def test_of_a_young_connection_nothing_was_dropped_so_nothing_else_is_kept(sender: Sender) -> None:
    """Rows beyond the weeks with partitions are what its stored events say, and go where none does."""
    Connection.objects.filter(pk=sender.connection.pk).update(created_at=NOW - DAY)
    sender.connection.refresh_from_db()
    Event.objects.filter(event_time__lt=NOW - 2 * DAY).delete()
    rebuild(sender)
    assert [run.job.name for run in Run.objects.select_related("job")] == ["across"]
    assert Edge.objects.count() == 2
    assert not Dataset.objects.get(name="of across").described
    # Processes of the intake remember that these rows are there.
    assert set(Job.objects.values_list("name", flat=True)) == {"dropped", "across", "kept"}
    assert Dataset.objects.count() == 4
