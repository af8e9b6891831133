"""Retention of events, which are stored in a partition for each week.

Events that were received more than EVENT_RETENTION_DAYS ago, by our clock, are dropped, whatever their event time. Runs
without stored events are deleted, too, except the latest run of each job. See
docs/decisions/0003-partitions-and-retention.md.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import OperationalError, transaction

from connections.models import Connection
from lineage.database.metrics import Failure
from lineage.database.sessions import kind_of, what_happened
from lineage.states.job_counts import lock_jobs, recount_jobs
from lineage.upkeep.maintenance import try_maintenance_lock
from lineage.upkeep.old_runs import Examined, Place, delete_runs, delete_transitions, examine_runs
from lineage.upkeep.partitions import (
    complete_weeks,
    create_week,
    delete_from_default,
    drop_week,
    exceeds_movable_events,
    monday_of,
    name_of_week,
    start_of,
    weeks,
)

log = structlog.get_logger(__name__)

# Equal to those of lineage/migrations/0001_tables.py. Events outside these weeks go to the default partition.
WEEKS_BEHIND: Final = 5
WEEKS_AHEAD: Final = 4
# Runs examined in one transaction.
CHUNK: Final = 1000

_WEEK: Final = timedelta(weeks=1)
_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)
_AFTER_ALL: Final = datetime.max.replace(tzinfo=UTC)


def oldest_kept(now: datetime) -> datetime | None:
    """Return the moment before which received events are dropped; None: nothing is dropped."""
    days = settings.EVENT_RETENTION_DAYS
    return now - timedelta(days=days) if days else None


def ensure_partitions(now: datetime) -> None:
    """Create the weekly partitions around `now` (UTC) that come after the newest one. Several processes may run this at
    once.

    Raises OperationalError if others lock the tables for long; the next call creates the rest.
    """
    monday, oldest = monday_of(now), oldest_kept(now)
    # A dropped partition is never created again: weeks without a gap must hold all their events (see `complete_weeks`).
    newest = max((week for week in weeks() if week <= monday + _WEEK * WEEKS_AHEAD), default=date.min)
    for week in (monday + _WEEK * number for number in range(-WEEKS_BEHIND, WEEKS_AHEAD + 1)):
        if week <= newest or (oldest is not None and start_of(week + _WEEK) <= oldest):
            continue
        if exceeds_movable_events(week):
            log.warning("partition_left_out", partition=name_of_week(week))
        elif create_week(week):
            log.info("partition_created", partition=name_of_week(week))
        else:
            return


def drop_old_events(now: datetime, *, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Drop events received before `oldest_kept`, until `should_stop()`; a second call drops the rest.

    A week is dropped as a whole, when it ended long enough ago and no event was received for it since. Events in the
    default partition are deleted row by row. Several processes may run this at once: each step is done by one of them.
    """
    oldest = oldest_kept(now)
    if oldest is None:
        return
    for week in weeks():
        if start_of(week + _WEEK) <= oldest and not should_stop() and _drop(week, oldest):
            log.info("partition_dropped", partition=name_of_week(week))
    if deleted := delete_from_default(received_before=oldest, should_stop=should_stop):
        log.info("old_events_deleted", events=deleted)


def _drop(week: date, oldest: datetime) -> bool:
    try:
        return drop_week(week, received_before=oldest)
    except OperationalError as error:
        if kind_of(error) != Failure.TIMEOUT:
            raise
        # A reader uses it, or all events. The next call tries again, and the other weeks need not wait.
        log.info("partition_busy", partition=name_of_week(week), error=what_happened(error))
        return False


def drop_old_runs(now: datetime, *, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Delete runs without stored events, except the latest run of each job, until `should_stop()`.

    Only runs outside the complete weeks are examined, because within them all events are stored.
    """
    start, end = complete_weeks(now)
    for connection_id in Connection.objects.live().order_by("id").values_list("pk", flat=True):
        deleted = 0
        for first, last in ((_BEFORE_ALL, start), (end, _AFTER_ALL)):
            for chunk in _chunks(connection_id, first, last):
                if should_stop():
                    return
                deleted += _delete(connection_id, [run for run in chunk if run.is_expired])
        if deleted:
            log.info("old_runs_deleted", connection_id=str(connection_id), runs=deleted)


def drop_old_transitions(now: datetime, *, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Delete transitions noticed before `oldest_kept`, until `should_stop()`; a second call deletes the rest."""
    oldest = oldest_kept(now)
    while oldest is not None and not should_stop():
        if delete_transitions(settled_before=oldest, most=CHUNK) < CHUNK:
            return


def _chunks(connection_id: UUID, first: datetime, last: datetime) -> Iterator[list[Examined]]:
    """Yield a connection's runs between two moments; each chunk is read when it is needed."""
    place = Place(first, UUID(int=0))
    while chunk := examine_runs(connection_id, after=place, before=last, limit=CHUNK):
        yield chunk
        place = Place(chunk[-1].run_at, chunk[-1].id)


@transaction.atomic
def _delete(connection_id: UUID, runs: list[Examined]) -> int:
    """Delete runs. Locks their jobs first, as digest does: an event that arrives meanwhile finds its run, or creates it
    again."""
    if not runs or not try_maintenance_lock():
        return 0
    jobs = sorted({(connection_id, run.job_id) for run in runs})
    lock_jobs(jobs)
    deleted = delete_runs(connection_id, [run.id for run in runs])
    recount_jobs(jobs)
    return deleted
