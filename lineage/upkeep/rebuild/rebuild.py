"""Rebuilds the rows that digest makes, from the stored events.

The right rows are built in a copy, beside the rows that are in use. Rows that differ are then replaced, a slice at a
time. Intake waits for each such step, and for nothing else. See docs/decisions/0012-rebuilding-from-events.md.
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
from msgspec.structs import replace

from connections.models import Connection
from lineage.database.metrics import Failure
from lineage.database.sessions import kind_of
from lineage.digest.descriptions import description_rows
from lineage.digest.fold import ReceivedEvent, fold
from lineage.digest.known import Written
from lineage.digest.lineage_rows import write_lineage
from lineage.digest.statements import datasets, jobs, runs
from lineage.events import Event, InvalidEvent, NotJson, decode_event, deep_nesting_allowed
from lineage.events.decode import subject_id
from lineage.models import Activity, Job, Run
from lineage.models import Event as StoredEvents
from lineage.rows.tables import MERGED, ordered
from lineage.states.job_counts import lock_jobs, recount_jobs
from lineage.states.marks import add_marks
from lineage.states.settle import Settled, settle
from lineage.upkeep.maintenance import maintenance_lock
from lineage.upkeep.partitions import complete_weeks
from lineage.upkeep.rebuild.copies import (
    TABLES,
    Checkpoint,
    StoredEvent,
    check_copied,
    copied_tables,
    limit_waiting,
    pages_of_all,
    pages_since,
    pause_intake,
    set_checkpoint,
)
from lineage.upkeep.rebuild.differences import Comparison, Weeks
from lineage.upkeep.retention import oldest_kept
from lineage.upkeep.usual_durations import forget_usual_durations

if TYPE_CHECKING:
    from django.db.models import QuerySet

log = structlog.get_logger(__name__)

# Rows replaced in one transaction, for which intake waits.
SLICE: Final = 500
# Tries of a step: it may conflict with intake.
_TRIES: Final = 50
# Digest writes the time of a connection's last event with this precision.
_PRECISION: Final = timedelta(seconds=2)
# The copy is empty, whatever digest wrote before.
_NOTHING_WRITTEN: Final = Written()
_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)
_AFTER_ALL: Final = datetime.max.replace(tzinfo=UTC)


class Removed(Exception):
    """The connection was removed meanwhile: its rows are being deleted."""


@dataclass(slots=True)
class Rebuilt:
    """Number of rows of each table that changed."""

    changed: dict[str, int]
    # Number of stored events, and how many of them can no longer be decoded.
    events: int = 0
    unreadable: int = 0


class _Received:
    """Times at which the first and the last event were received, and the job names of the first events."""

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
    """Rebuild jobs, runs, datasets, edges and activity of one connection. Intake may go on meanwhile.

    If it is killed, each row is either old or new; a second call does the rest. Raises Removed, and Django's database
    errors.
    """
    with maintenance_lock(), deep_nesting_allowed():
        with copied_tables() as schema:
            rebuilt = _Rebuild(connection, schema, clock).run()
        # Shown states depend on the rows, so they are settled again, as after an event.
        settled = _settle_all_runs(connection.pk, clock)
        rebuilt.changed["lineage_run"] += settled.runs
        rebuilt.changed["lineage_job"] += settled.jobs + _recount_all_jobs(connection.pk)
        forget_usual_durations(connection.pk)
        return rebuilt


class _Rebuild:
    def __init__(self, of: Connection, schema: str, clock: Callable[[], datetime]) -> None:
        self._id: UUID = of.pk
        self._clock = clock
        now = clock()
        start, end = complete_weeks(now)
        # True: everything that it ever sent is stored, so no other facts need to be kept.
        self._is_whole = of.created_at >= max(start, oldest_kept(now) or start)
        self._weeks = Weeks(_BEFORE_ALL, _AFTER_ALL) if self._is_whole else Weeks(start, end)
        self._tables = {table: Comparison(schema, table, self._id) for table in TABLES}
        self._checkpoint: Checkpoint = set_checkpoint(now)
        self._received = _Received()
        self._rebuilt = Rebuilt(changed=dict.fromkeys(TABLES, 0))

    def run(self) -> Rebuilt:
        for page in pages_of_all(self._id):
            self._rebuilt.events += len(page)
            self._rebuilt.unreadable += len(page) - self._project(page)
        self._keep_facts_of_dropped_events()
        with transaction.atomic():
            self._lock_connection()
            for name in ("lineage_job", "lineage_dataset", "lineage_content"):
                self._rebuilt.changed[name] += self._tables[name].add_missing()
        # Jobs come last: until then intake counts their runs, which may still be wrong.
        for name in ("lineage_run", *(table.name for table in MERGED), "lineage_dataset", "lineage_job"):
            for ids in self._tables[name].slices(SLICE):
                self._rebuilt.changed[name] += self._with_intake_paused(partial(self._put_in_place, name, ids))
        self._rebuilt.changed["lineage_activity"] = self._with_intake_paused(self._mend_activity)
        return self._rebuilt

    def _project(self, page: list[StoredEvent]) -> int:
        """Write the copy as digest would. Returns how many of the events can be read."""
        received = list(self._decoded(page))
        events = [event for _, event, _ in received]
        rows = fold(received)
        with transaction.atomic():
            check_copied()
            self._mend_subjects(page, events)
            jobs.insert_jobs(ordered(rows.jobs.values()))
            runs.upsert_runs(rows.runs.values())
            jobs.describe_jobs(description_rows(rows.descriptions))
            datasets.declare_jobs(_NOTHING_WRITTEN.declared(rows))
            write_lineage(rows, _NOTHING_WRITTEN)
        return len(events)

    def _mend_subjects(self, page: list[StoredEvent], events: list[Event]) -> None:
        """Correct what the events are about, as far as an earlier version took another id for it."""
        stored = {(event.event_time, event.id): event.subject_id for event in page}
        for event in events:
            subject = subject_id(event, self._id)
            if stored[event.event_time, event.id] != subject:
                same = StoredEvents.objects.filter(connection_id=self._id, event_time=event.event_time, id=event.id)
                same.update(subject_id=subject)

    def _decoded(self, page: list[StoredEvent]) -> Iterator[ReceivedEvent]:
        for stored in page:
            try:
                event = decode_event(stored.body)
            except (NotJson, InvalidEvent) as error:
                # Intake accepted it by rules that have changed since.
                log.warning("event_unreadable", connection_id=str(self._id), id=str(stored.id), error=str(error))
                continue
            self._received.note(stored.received_at, event.job.name if event.job else "")
            # What was dropped from the body is part of what the id was made of.
            yield ReceivedEvent(self._id, replace(event, id=stored.id), stored.received_at)

    @transaction.atomic
    def _keep_facts_of_dropped_events(self) -> None:
        """Add facts that only dropped events gave to the copy, with digest's merges, which take rows instead of
        events."""
        check_copied()
        self._tables["lineage_job"].copy_missing()
        self._tables["lineage_dataset"].copy_missing()
        if not self._is_whole:
            self._tables["lineage_dataset"].keep_described()
        for descriptions in self._tables["lineage_job"].descriptions_outside(self._weeks):
            jobs.describe_jobs(descriptions)
        self._tables["lineage_content"].copy_missing()
        for table in MERGED:
            if table.times is not None:
                for outside in self._tables[table.name].rows_outside(table, self._weeks):
                    datasets.merge_rows(table, outside)
        for rows in self._tables["lineage_run"].runs_with_dropped_events(self._weeks):
            runs.upsert_runs(rows)

    def _with_intake_paused(self, step: Callable[[], int]) -> int:
        """Run a step while the copy holds everything that is committed. Afterwards intake gets as much time as it
        lost."""
        for remaining in range(_TRIES - 1, -1, -1):
            self._catch_up()
            checkpoint, began = self._checkpoint, time.monotonic()
            try:
                with transaction.atomic():
                    self._lock_connection()
                    pause_intake()
                    self._catch_up()
                    return step()
            except OperationalError as error:
                self._checkpoint = checkpoint
                if not remaining or kind_of(error) not in (Failure.TIMEOUT, Failure.CONFLICT):
                    raise
            finally:
                time.sleep(time.monotonic() - began)
        raise AssertionError("the last try returns or raises")

    def _catch_up(self) -> None:
        """Read what was committed since the last checkpoint."""
        checkpoint = set_checkpoint(self._clock())
        for page in pages_since(self._id, self._checkpoint):
            self._project(page)
        self._checkpoint = checkpoint

    def _lock_connection(self) -> None:
        """Lock the connection before its rows, as digest does. It then exists until the end of this transaction."""
        limit_waiting()
        if not Connection.objects.live().select_for_update(no_key=True).filter(pk=self._id):
            raise Removed

    def _put_in_place(self, name: str, ids: Sequence[UUID]) -> int:
        if name == "lineage_run":
            self._tables[name].count_events(ids, self._weeks)
        return self._tables[name].put_in_place(ids)

    def _mend_activity(self) -> int:
        """Correct the activity, but keep what the stored events do not contradict.

        Digest also counts repeated events, and does not write the time of each event.
        """
        received = self._received
        if not received.job_names:
            return 0
        known = Activity.objects.filter(pk=self._id).first()
        row = Activity(
            connection_id=self._id,
            first_event_at=received.first,
            last_event_at=received.last,
            first_job_name=min(received.job_names),
        )
        if known is not None:
            row.last_event_at = min(max(known.last_event_at, received.last - _PRECISION), self._clock())
            if known.first_event_at == received.first and known.first_job_name in received.job_names:
                row.first_job_name = known.first_job_name
            if known.first_event_at < received.first and not self._is_whole:
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
    """Recount all jobs. Returns how many had another latest run, or another count."""
    changed = 0
    for ids in _pages_of_ids(Job.objects.filter(connection_id=connection_id)):
        keys = [(connection_id, id_) for id_ in ids]
        with transaction.atomic():
            lock_jobs(keys)
            changed += len(recount_jobs(keys).rows())
    return changed


def _pages_of_ids(rows: "QuerySet[Any, Any]") -> Iterator[list[UUID]]:
    """Yield ids, in the order of the primary key."""
    page = list(rows.order_by("id").values_list("id", flat=True)[:SLICE])
    while page:
        yield page
        page = list(rows.filter(id__gt=page[-1]).order_by("id").values_list("id", flat=True)[:SLICE])


def _values(activity: Activity) -> tuple[object, ...]:
    return activity.first_event_at, activity.last_event_at, activity.first_job_name
