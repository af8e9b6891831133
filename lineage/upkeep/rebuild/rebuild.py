"""Builds the rows that digest makes of events anew, from the events that are stored.

The truth is put together in a copy, beside the rows that everybody reads and writes; what differs then takes their
place, some rows at a time. The intake waits for each such step, and for nothing else. See
docs/decisions/0012-rebuilding-from-events.md.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog
from django.db import OperationalError, transaction

from connections.models import Connection
from lineage.database.metrics import Failure
from lineage.database.sessions import kind_of
from lineage.digest.descriptions import description_rows
from lineage.digest.fold import fold, ordered
from lineage.digest.statements import datasets, jobs, runs
from lineage.events import Event, InvalidEvent, NotJson, decode_event, however_deep
from lineage.models import Activity, Job, Run
from lineage.states.job_counts import lock_jobs, recount_jobs
from lineage.states.marks import add_marks
from lineage.states.settle import Settled, settle
from lineage.upkeep.maintenance import alone
from lineage.upkeep.partitions import unbroken_weeks
from lineage.upkeep.rebuild.copies import (
    TABLES,
    Mark,
    StoredEvent,
    check_copied,
    copied_tables,
    limit_waiting,
    pages_of_all,
    pages_since,
    pause_intake,
    set_mark,
)
from lineage.upkeep.rebuild.differences import Comparison, Weeks
from lineage.upkeep.retention import oldest_kept

if TYPE_CHECKING:
    from django.db.models import QuerySet

log = structlog.get_logger(__name__)

# Rows that take their place in one transaction, for which the intake waits.
SLICE: Final = 500
# Beside the intake a step may have to be taken again.
_TRIES: Final = 50
# How far behind digest may leave a connection's last event.
_PRECISION: Final = timedelta(seconds=2)
_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)
_AFTER_ALL: Final = datetime.max.replace(tzinfo=UTC)


class Removed(Exception):
    """Somebody removed the connection meanwhile: its rows are being deleted."""


@dataclass(slots=True)
class Rebuilt:
    """How many rows of each table changed."""

    changed: dict[str, int]
    # Events that were stored, and how many of them can no longer be decoded.
    events: int = 0
    unreadable: int = 0


class _Heard:
    """When the first and the last event were received, and the names of the jobs of those that were the first."""

    def __init__(self) -> None:
        self.first, self.last = _AFTER_ALL, _BEFORE_ALL
        self.job_names: set[str] = set()

    def note(self, received_at: datetime, job_name: str) -> None:
        if received_at < self.first:
            self.first, self.job_names = received_at, set()
        if received_at == self.first:
            self.job_names.add(job_name)
        self.last = max(received_at, self.last)


def rebuild_connection(connection: Connection, *, clock: Callable[[], datetime]) -> Rebuilt:
    """Builds jobs, runs, datasets, edges and activity of one connection. The intake may go on meanwhile.

    Where it is killed, each row is what it was, or what it is to be; a second call does the rest. Raises Removed, and
    Django's database errors.
    """
    with alone(), however_deep():
        with copied_tables() as schema:
            rebuilt = _Rebuild(connection, schema, clock).run()
        # What runs are shown as follows from the rows themselves: it is settled anew, as after an event.
        settled = _settle_all_runs(connection.pk, clock)
        rebuilt.changed["lineage_run"] += settled.runs
        rebuilt.changed["lineage_job"] += settled.jobs + _recount_all_jobs(connection.pk)
        return rebuilt


class _Rebuild:
    def __init__(self, of: Connection, schema: str, clock: Callable[[], datetime]) -> None:
        self._id: UUID = of.pk
        self._clock = clock
        now = clock()
        start, end = unbroken_weeks(now)
        # Whether all that it ever sent is stored: then nothing else is to be kept.
        self._is_whole = of.created_at >= max(start, oldest_kept(now) or start)
        self._weeks = Weeks(_BEFORE_ALL, _AFTER_ALL) if self._is_whole else Weeks(start, end)
        self._tables = {table: Comparison(schema, table, self._id) for table in TABLES}
        self._mark: Mark = set_mark(now)
        self._heard = _Heard()
        self._rebuilt = Rebuilt(changed=dict.fromkeys(TABLES, 0))

    def run(self) -> Rebuilt:
        for page in pages_of_all(self._id):
            self._rebuilt.events += len(page)
            self._rebuilt.unreadable += len(page) - self._project(page)
        self._keep_what_is_not_stored()
        with transaction.atomic():
            self._check_there()
            for name in ("lineage_job", "lineage_dataset"):
                self._rebuilt.changed[name] += self._tables[name].add_missing()
        # Jobs last: until their runs are right, the intake goes on to count them as they are.
        for name in ("lineage_run", "lineage_edge", "lineage_dataset", "lineage_job"):
            for ids in self._tables[name].slices(SLICE):
                self._rebuilt.changed[name] += self._while_the_intake_waits(partial(self._put_in_place, name, ids))
        self._rebuilt.changed["lineage_activity"] = self._while_the_intake_waits(self._mend_activity)
        return self._rebuilt

    def _project(self, page: list[StoredEvent]) -> int:
        """Writes the copy as digest would: how many of the events can be read."""
        events = list(self._decoded(page))
        rows = fold((self._id, event) for event in events)
        with transaction.atomic():
            check_copied()
            jobs.insert_jobs(ordered(rows.jobs.values()))
            runs.upsert_runs(rows.runs.values())
            jobs.describe_jobs(description_rows(rows.descriptions))
            datasets.insert_datasets(ordered(rows.datasets.values()))
            datasets.mark_described(sorted(row[:2] for row in rows.datasets.values() if row[4]))
            datasets.upsert_edges(ordered(rows.edges.values()))
        return len(events)

    def _decoded(self, page: list[StoredEvent]) -> Iterator[Event]:
        for stored in page:
            try:
                event = decode_event(stored.body)
            except (NotJson, InvalidEvent) as error:
                # It was accepted once, by rules that have changed.
                log.warning("event_unreadable", connection_id=str(self._id), id=str(stored.id), error=str(error))
                continue
            self._heard.note(stored.received_at, event.job.name if event.job else "")
            yield event

    @transaction.atomic
    def _keep_what_is_not_stored(self) -> None:
        """Adds to the copy what only dropped events said: the same merges, with rows in the place of events."""
        check_copied()
        self._tables["lineage_job"].copy_missing()
        self._tables["lineage_dataset"].copy_missing()
        if not self._is_whole:
            self._tables["lineage_dataset"].keep_described()
        for descriptions in self._tables["lineage_job"].descriptions_outside(self._weeks):
            jobs.describe_jobs(descriptions)
        for edges in self._tables["lineage_edge"].edges_outside(self._weeks):
            datasets.upsert_edges(edges)
        for rows in self._tables["lineage_run"].runs_that_knew_more(self._weeks):
            runs.upsert_runs(rows)

    def _while_the_intake_waits(self, step: Callable[[], int]) -> int:
        """Takes a step when the copy says all that is committed. Then the intake gets as much time as it lost."""
        for remaining in range(_TRIES - 1, -1, -1):
            self._catch_up()
            mark, began = self._mark, time.monotonic()
            try:
                with transaction.atomic():
                    self._check_there()
                    pause_intake()
                    self._catch_up()
                    return step()
            except OperationalError as error:
                self._mark = mark
                if not remaining or kind_of(error) not in (Failure.TIMEOUT, Failure.CONFLICT):
                    raise
            finally:
                time.sleep(time.monotonic() - began)
        raise AssertionError("the last try returns or raises")

    def _catch_up(self) -> None:
        """Reads what was committed since the last time."""
        mark = set_mark(self._clock())
        for page in pages_since(self._id, self._mark):
            self._project(page)
        self._mark = mark

    def _check_there(self) -> None:
        """In the order in which digest locks. The connection stays as long as this transaction takes."""
        limit_waiting()
        if not Connection.objects.visible().select_for_update(no_key=True).filter(pk=self._id):
            raise Removed

    def _put_in_place(self, name: str, ids: Sequence[UUID]) -> int:
        if name == "lineage_run":
            self._tables[name].count_events(ids, self._weeks)
        return self._tables[name].put_in_place(ids)

    def _mend_activity(self) -> int:
        """Keeps what the stored events do not contradict: digest notes repeats too, and not each event."""
        heard = self._heard
        if not heard.job_names:
            return 0
        known = Activity.objects.filter(pk=self._id).first()
        row = Activity(
            connection_id=self._id,
            first_event_at=heard.first,
            last_event_at=heard.last,
            first_job_name=min(heard.job_names),
        )
        if known is not None:
            row.last_event_at = min(max(known.last_event_at, heard.last - _PRECISION), self._clock())
            if known.first_event_at == heard.first and known.first_job_name in heard.job_names:
                row.first_job_name = known.first_job_name
            if known.first_event_at < heard.first and not self._is_whole:
                row.first_event_at, row.first_job_name = known.first_event_at, known.first_job_name
            if _values(row) == _values(known):
                return 0
        row.save(force_insert=known is None)
        return 1


def _settle_all_runs(connection_id: UUID, clock: Callable[[], datetime]) -> Settled:
    settled = settle(connection_id, now=clock())
    for ids in _pages_of_ids(Run.objects.filter(connection_id=connection_id)):
        with transaction.atomic():
            add_marks(connection_id, ids)
        settled = settled.plus(settle(connection_id, now=clock()))
    return settled


def _recount_all_jobs(connection_id: UUID) -> int:
    """How many jobs had another latest run, or another count."""
    changed = 0
    for ids in _pages_of_ids(Job.objects.filter(connection_id=connection_id)):
        keys = [(connection_id, id_) for id_ in ids]
        with transaction.atomic():
            lock_jobs(keys)
            changed += len(recount_jobs(keys).rows())
    return changed


def _pages_of_ids(rows: "QuerySet[Any, Any]") -> Iterator[list[UUID]]:
    """In the order of the primary key."""
    page = list(rows.order_by("id").values_list("id", flat=True)[:SLICE])
    while page:
        yield page
        page = list(rows.filter(id__gt=page[-1]).order_by("id").values_list("id", flat=True)[:SLICE])


def _values(activity: Activity) -> tuple[object, ...]:
    return activity.first_event_at, activity.last_event_at, activity.first_job_name
