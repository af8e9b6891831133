"""Events in, rows out: one transaction, no HTTP. The rows do not depend on the order or the repetition of events.

Stores the events of several requests, and projects the new ones into jobs, runs, datasets and edges.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

from django.db import Error, connection, transaction

from connections.privacy import PrivacyClass
from connections.vouchers import PRECONDITION_FAILED, Voucher, lock_live
from lineage.database.bodies import compress
from lineage.database.execute import Result, Row, pipeline
from lineage.database.retries import with_retries
from lineage.database.sessions import LOCK_NOT_AVAILABLE, sqlstate_of
from lineage.database.timeouts import limit_waits
from lineage.digest.descriptions import description_rows
from lineage.digest.dropping import KnownDrops
from lineage.digest.fold import Key, ReceivedEvent, Rows, fold
from lineage.digest.known import Written
from lineage.digest.lineage_rows import write_lineage
from lineage.digest.statements import datasets, events, jobs
from lineage.digest.statements.privacy import require_dropped
from lineage.digest.statements.vouchers import require_live
from lineage.events import Event
from lineage.events.decode import subject_id
from lineage.events.privacy import DROPPED, cut
from lineage.states.job_counts import lock_jobs, recount_jobs
from lineage.states.lone_runs import settle_lone_runs

# Limit for each statement of a digest, and for each lock that it waits for. Its senders have their answers long before.
LONGEST_MS: Final = 10_000


class Submission(NamedTuple):
    """Decoded events that came together, and what answers for them."""

    voucher: Voucher
    events: Sequence[Event]

    @property
    def connection_id(self) -> UUID:
        return self.voucher.connection_id


class Receipt(NamedTuple):
    """The result of a submission.

    `accepted` is False if its voucher is not live any more: nothing was stored. `stored` counts the events that were
    new; the others were stored before. `is_settled` is False if runs of the connection are marked, to be settled.
    """

    accepted: bool
    stored: int
    is_settled: bool = True


def digest(submissions: Sequence[Submission], *, now: datetime, lock_ms: int = LONGEST_MS) -> list[Receipt]:
    """Commits all submissions in one transaction. Returns what became of each, in their order.

    Marks runs whose states depend on other runs, for `states.settle` to follow. Raises Django's database errors; then
    nothing was stored. Waits for each lock of a row for `lock_ms` milliseconds at most.
    """
    connection.ensure_connection()
    drops = _drops.of({s.connection_id for s in submissions})
    try:
        digested = with_retries(partial(_digest, submissions, drops, now, lock_ms))
    except Error as error:
        if sqlstate_of(error) != LOCK_NOT_AVAILABLE:
            forget_written()
        if sqlstate_of(error) == PRECONDITION_FAILED:
            if ended := _ended_vouchers(submissions):
                return _without(ended, submissions, now, lock_ms)
            if _drops.learn(drops):
                return digest(submissions, now=now, lock_ms=lock_ms)
        raise
    _written.note(digested.rows)
    _noted_activity.add(digested.job_names, now)
    return digested.receipts


def forget_written() -> None:
    """Forgets which rows this process saw committed: they may be gone. The next events write all their rows."""
    _written.forget()


def _ended_vouchers(submissions: Sequence[Submission]) -> set[Voucher]:
    vouchers = {submission.voucher for submission in submissions}
    with transaction.atomic():
        return vouchers - lock_live(vouchers)


def _without(ended: set[Voucher], submissions: Sequence[Submission], now: datetime, lock_ms: int) -> list[Receipt]:
    """Digests the other submissions. Rare: the intake refuses a key that ended before its next event comes here."""
    others = iter(digest([s for s in submissions if s.voucher not in ended], now=now, lock_ms=lock_ms))
    return [Receipt(accepted=False, stored=0) if s.voucher in ended else next(others) for s in submissions]


class _Digested(NamedTuple):
    """`rows` are written now. `job_names`: each connection that sent something, with the name of a job of it."""

    receipts: list[Receipt]
    rows: Rows
    job_names: dict[UUID, str]


def _digest(
    submissions: Sequence[Submission], drops: Mapping[UUID, frozenset[PrivacyClass]], now: datetime, lock_ms: int
) -> _Digested:
    """Sends all statements in one round trip, COMMIT included, so that no lock of a job's row waits for this process.
    Fails with the SQLSTATE PRECONDITION_FAILED if a voucher is not live, or other parts of events are to be dropped."""
    offered, job_names = _offered(submissions), _job_names(submissions)
    rows = fold(ReceivedEvent(connection_id, event, now) for (connection_id, _), event in offered.items())
    with transaction.atomic() if connection.in_atomic_block else nullcontext(), pipeline():
        limit_waits(lock_ms=lock_ms, statement_ms=LONGEST_MS)
        require_live(s.voucher for s in submissions)
        require_dropped(drops)
        stored = events.store_events(_event_rows(offered, drops, now), rows.runs.values())
        marked = _project(rows, now)
        events.touch_activity(_noted_activity.due(job_names, now), now=now)
    new, unsettled = set(stored.rows()), {connection_id for (connection_id,) in marked.rows()}
    return _Digested(_receipts(submissions, new, unsettled), rows, job_names)


def _offered(submissions: Sequence[Submission]) -> dict[Key, Event]:
    return {(s.connection_id, event.id): event for s in submissions for event in s.events}


def _project(rows: Rows, now: datetime) -> Result:
    """Writes all rows but the events and what runs say of themselves. Returns the connections of marked runs.

    All these merges may be repeated, so the rows are written before it is known which of the events are new. (The one
    that may not, the count of a run's events, is the database's own.)

    Jobs are locked late, after the runs, since all writers of a job wait for its lock; and all at once and sorted, so
    that two transactions never wait for one another.
    """
    jobs.insert_jobs(_written.jobs(rows))
    lock_jobs(sorted(rows.jobs))
    jobs.describe_jobs(description_rows(_written.descriptions(rows)))
    datasets.declare_jobs(_written.declared(rows))
    marked = settle_lone_runs(sorted(rows.runs), renamable=rows.renamable, now=now)
    recount_jobs(sorted({(run.connection_id, run.job_id) for run in rows.runs.values()}))
    write_lineage(rows, _written)
    return marked


def _event_rows(offered: dict[Key, Event], drops: Mapping[UUID, frozenset[PrivacyClass]], now: datetime) -> list[Row]:
    """Make the rows of lineage_event, sorted by primary key."""
    rows = [
        _event_row(connection_id, event, drops[connection_id], now) for (connection_id, _), event in offered.items()
    ]
    return sorted(rows, key=lambda row: row[:3])


def _event_row(connection_id: UUID, event: Event, drops: frozenset[PrivacyClass], now: datetime) -> Row:
    # The id stays that of what arrived, so that a copy which is sent again is a repeat.
    body = cut(event.body, drops, DROPPED)
    return (
        connection_id,
        event.event_time,
        event.id,
        now,
        event.kind,
        event.event_type,
        subject_id(event, connection_id),
        len(body),
        compress(body),
    )


def _job_names(submissions: Iterable[Submission]) -> dict[UUID, str]:
    """Find the connections that sent something, and for each the name of one of its jobs."""
    names: dict[UUID, str] = {}
    for submission in submissions:
        if submission.events:
            job = submission.events[0].job
            names.setdefault(submission.connection_id, job.name if job else "")
    return names


class _NotedActivity:
    """Connections whose activity this process committed in the current second of the clock."""

    def __init__(self) -> None:
        self._second = 0
        self._connections: set[UUID] = set()

    def add(self, connection_ids: Iterable[UUID], now: datetime) -> None:
        if (second := int(now.timestamp())) != self._second:
            self._second, self._connections = second, set()
        self._connections.update(connection_ids)

    def due(self, job_names: dict[UUID, str], now: datetime) -> dict[UUID, str]:
        """Leave out the connections whose activity is noted already."""
        if int(now.timestamp()) != self._second:
            return job_names
        return {id_: name for id_, name in job_names.items() if id_ not in self._connections}


_noted_activity = _NotedActivity()
_written = Written()
_drops = KnownDrops()


def _receipts(submissions: Sequence[Submission], new: set[Key], unsettled: set[UUID]) -> list[Receipt]:
    """Count new events for each submission. If several submissions brought one event, it counts for the first."""
    unclaimed = set(new)
    receipts = []
    for submission in submissions:
        claimed = {(submission.connection_id, event.id) for event in submission.events} & unclaimed
        unclaimed -= claimed
        is_settled = submission.connection_id not in unsettled
        receipts.append(Receipt(accepted=True, stored=len(claimed), is_settled=is_settled))
    return receipts
