"""How long events are kept, and where: in a partition for each week.

By our clock: what was received longer ago than EVENT_RETENTION_DAYS goes, whatever time its sender gave it. The runs
whose events have gone go too, but for the latest of each job. See docs/decisions/0003-partitions-and-retention.md.
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
from lineage.upkeep.maintenance import take_turn
from lineage.upkeep.old_runs import Examined, Place, delete_runs, delete_transitions, examine_runs
from lineage.upkeep.partitions import (
    create_week,
    delete_from_default,
    drop_week,
    monday_of,
    name_of_week,
    start_of,
    too_much_came_before,
    unbroken_weeks,
    weeks,
)

log = structlog.get_logger(__name__)

# As the first ones, in lineage/migrations/0001_tables.py. What is older or further ahead goes to the default one.
WEEKS_BEHIND: Final = 5
WEEKS_AHEAD: Final = 4
# Runs looked at in one transaction.
CHUNK: Final = 1000

_WEEK: Final = timedelta(weeks=1)
_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)
_AFTER_ALL: Final = datetime.max.replace(tzinfo=UTC)


def oldest_kept(now: datetime) -> datetime | None:
    """What was received before goes; None: nothing goes."""
    days = settings.EVENT_RETENTION_DAYS
    return now - timedelta(days=days) if days else None


def ensure_partitions(now: datetime) -> None:
    """Makes the weekly partitions around `now` (UTC) that follow the newest. Any number of processes may do so at once.

    Raises OperationalError where the tables are locked by others for long; the next call does the rest.
    """
    monday, oldest = monday_of(now), oldest_kept(now)
    # None that was dropped is made again: where there is no gap, all events are there (see `unbroken_weeks`).
    newest = max((week for week in weeks() if week <= monday + _WEEK * WEEKS_AHEAD), default=date.min)
    for week in (monday + _WEEK * number for number in range(-WEEKS_BEHIND, WEEKS_AHEAD + 1)):
        if week <= newest or (oldest is not None and start_of(week + _WEEK) <= oldest):
            continue
        if too_much_came_before(week):
            log.warning("partition_left_out", partition=name_of_week(week))
        elif create_week(week):
            log.info("partition_created", partition=name_of_week(week))
        else:
            return


def drop_old_events(now: datetime, *, enough: Callable[[], bool] = lambda: False) -> None:
    """Drops what was received before `oldest_kept`, until `enough()`; a second call does the rest.

    A week goes as a whole: when it is over for as long, and nothing in it was received since. What has no partition of
    its own goes row by row. Any number of processes may do so at once: each step is one process's.
    """
    oldest = oldest_kept(now)
    if oldest is None:
        return
    for week in weeks():
        if start_of(week + _WEEK) <= oldest and not enough() and _drop(week, oldest):
            log.info("partition_dropped", partition=name_of_week(week))
    if deleted := delete_from_default(received_before=oldest, enough=enough):
        log.info("old_events_deleted", events=deleted)


def _drop(week: date, oldest: datetime) -> bool:
    try:
        return drop_week(week, received_before=oldest)
    except OperationalError as error:
        if kind_of(error) != Failure.TIMEOUT:
            raise
        # Somebody reads it, or reads all events. It can wait, and the others need not wait for it.
        log.info("partition_busy", partition=name_of_week(week), error=what_happened(error))
        return False


def drop_old_runs(now: datetime, *, enough: Callable[[], bool] = lambda: False) -> None:
    """Deletes the runs of which no event is stored any more, but for the latest of each job, until `enough()`.

    Only where events can have gone are they looked for: in the weeks that have partitions, all are there.
    """
    start, end = unbroken_weeks(now)
    for connection_id in Connection.objects.visible().order_by("id").values_list("pk", flat=True):
        deleted = 0
        for first, last in ((_BEFORE_ALL, start), (end, _AFTER_ALL)):
            for chunk in _chunks(connection_id, first, last):
                if enough():
                    return
                deleted += _delete(connection_id, [run for run in chunk if run.is_over])
        if deleted:
            log.info("old_runs_deleted", connection_id=str(connection_id), runs=deleted)


def drop_old_transitions(now: datetime, *, enough: Callable[[], bool] = lambda: False) -> None:
    """Deletes the transitions that were noticed before `oldest_kept`, until `enough()`; a second call does the rest."""
    oldest = oldest_kept(now)
    while oldest is not None and not enough():
        if delete_transitions(settled_before=oldest, most=CHUNK) < CHUNK:
            return


def _chunks(connection_id: UUID, first: datetime, last: datetime) -> Iterator[list[Examined]]:
    """Its runs from one moment to another, looked at when they are asked for."""
    place = Place(first, UUID(int=0))
    while chunk := examine_runs(connection_id, after=place, before=last, limit=CHUNK):
        yield chunk
        place = Place(chunk[-1].run_at, chunk[-1].id)


@transaction.atomic
def _delete(connection_id: UUID, runs: list[Examined]) -> int:
    """As digest does, locks their jobs first: an event that comes meanwhile finds its run, or makes it anew."""
    if not runs or not take_turn():
        return 0
    of_jobs = sorted({(connection_id, run.job_id) for run in runs})
    lock_jobs(of_jobs)
    deleted = delete_runs(connection_id, [run.id for run in runs])
    recount_jobs(of_jobs)
    return deleted
