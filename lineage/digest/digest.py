"""Events in, rows out: one transaction, no HTTP. Any order and any repetition of events gives the same rows.

Stores what several requests sent, and projects the new events into jobs, runs, datasets and edges.
"""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import Error, connection, transaction

from connections.models import ApiKey
from connections.querysets import INSISTED
from lineage.database.bodies import compress
from lineage.database.execute import Result, Row, pipeline
from lineage.database.pipeline import STATEMENT_UNKNOWN
from lineage.database.retries import TRIES, UPSET
from lineage.database.sessions import count_retry
from lineage.digest.descriptions import description_rows
from lineage.digest.fold import Key, Rows, fold
from lineage.digest.known import Written
from lineage.digest.statements import datasets, events, jobs
from lineage.digest.statements.keys import insist_live
from lineage.events import Event
from lineage.events.decode import subject_id
from lineage.states.job_counts import lock_jobs, recount_jobs
from lineage.states.lone_runs import settle_lone_runs


class Submission(NamedTuple):
    """What one request brings: decoded events, and the key that vouches for them."""

    connection_id: UUID
    key_id: UUID
    events: Sequence[Event]


class Receipt(NamedTuple):
    """What became of a submission. `accepted` is False where its key is no longer one of the connection:
    nothing of it was stored. `stored` counts the events that were new; the others were stored before.
    `is_settled` is False where runs of the connection were marked, and are still to be settled."""

    accepted: bool
    stored: int
    is_settled: bool = True


def digest(submissions: Sequence[Submission], *, now: datetime) -> list[Receipt]:
    """Commits all submissions in one transaction and tells what became of each, in their order.

    Runs that others have a say in are marked, for `states.settle` to follow. Raises Django's database errors; then
    nothing was stored.
    """
    connection.ensure_connection()
    for remaining in range(TRIES - 1, -1, -1):
        try:
            digested = _digest(submissions, now)
        except Error as error:
            forget_written()
            sqlstate = getattr(error.__cause__, "sqlstate", None)
            if sqlstate == INSISTED and (gone := _keys_gone(submissions)):
                return _without(gone, submissions, now)
            if not remaining or sqlstate not in (*UPSET, INSISTED, STATEMENT_UNKNOWN):
                raise
            if sqlstate in UPSET:
                count_retry(error)
        else:
            _written.note(digested.rows)
            _heard_lately.note(digested.heard, now)
            return digested.receipts
    raise AssertionError("the last try returns or raises")


def forget_written() -> None:
    """Has the next events write all their rows: those that this process saw committed may be gone."""
    _written.forget()


def _keys_gone(submissions: Sequence[Submission]) -> set[UUID]:
    """Keys that vouch for some of the submissions and no longer exist on their connections."""
    with transaction.atomic():
        connection_of_key = ApiKey.objects.lock_live({submission.key_id for submission in submissions})
    return {s.key_id for s in submissions if connection_of_key.get(s.key_id) != s.connection_id}


def _without(keys: set[UUID], submissions: Sequence[Submission], now: datetime) -> list[Receipt]:
    """Digests the others. Rare: who sends with a key that is gone is refused before he comes here again."""
    others = iter(digest([s for s in submissions if s.key_id not in keys], now=now))
    return [Receipt(accepted=False, stored=0) if s.key_id in keys else next(others) for s in submissions]


class _Digested(NamedTuple):
    """`rows`: what is now written. `heard`: each connection that sent something, with the name of a job."""

    receipts: list[Receipt]
    rows: Rows
    heard: dict[UUID, str]


def _digest(submissions: Sequence[Submission], now: datetime) -> _Digested:
    """One round trip, COMMIT included: what locks the rows of jobs never waits for this process. Fails with the
    SQLSTATE INSISTED where a key is gone."""
    offered, heard = _offered(submissions), _heard_from(submissions)
    rows = fold((connection_id, event) for (connection_id, _), event in offered.items())
    with transaction.atomic() if connection.in_atomic_block else nullcontext(), pipeline():
        insist_live({(s.key_id, s.connection_id) for s in submissions})
        stored = events.store_events(_event_rows(offered, now), rows.runs.values())
        marked = _project(rows, now)
        events.touch_activity(_heard_lately.without(heard, now), now=now)
    new, unsettled = set(stored.rows()), {connection_id for (connection_id,) in marked.rows()}
    return _Digested(_receipts(submissions, new, unsettled), rows, heard)


def _offered(submissions: Sequence[Submission]) -> dict[Key, Event]:
    return {(s.connection_id, event.id): event for s in submissions for event in s.events}


def _project(rows: Rows, now: datetime) -> Result:
    """All that is made of events but what runs say of themselves. The connections of the runs that are to be settled.

    Every merge but the count of a run's events, which the database sees to, may be repeated: so the rows are written
    before it is known which of the events are new.

    Jobs come after the runs, and their locks are held for as short as can be: all writers of a job wait for them. They
    are taken at once and sorted, so that two transactions never wait for one another.
    """
    jobs.insert_jobs(_written.jobs(rows))
    lock_jobs(sorted(rows.jobs))
    jobs.describe_jobs(description_rows(_written.descriptions(rows)))
    marked = settle_lone_runs(sorted((run.connection_id, run.id, run.job_id) for run in rows.runs.values()), now=now)
    recount_jobs(sorted({(run.connection_id, run.job_id) for run in rows.runs.values()}))
    datasets.insert_datasets(_written.datasets(rows))
    datasets.mark_described(_written.described(rows))
    datasets.upsert_edges(_written.edges(rows))
    return marked


def _event_rows(offered: dict[Key, Event], now: datetime) -> list[Row]:
    """Sorted by primary key."""
    rows = [_event_row(connection_id, event, now) for (connection_id, _), event in offered.items()]
    return sorted(rows, key=lambda row: row[:3])


def _event_row(connection_id: UUID, event: Event, now: datetime) -> Row:
    body = event.body.encode()
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


def _heard_from(submissions: Iterable[Submission]) -> dict[UUID, str]:
    """Each connection that sent something, with the name of a job of it."""
    heard: dict[UUID, str] = {}
    for submission in submissions:
        if submission.events:
            job = submission.events[0].job
            heard.setdefault(submission.connection_id, job.name if job else "")
    return heard


class _HeardLately:
    """Which connections' activity this process wrote less than a second ago. Learns of commits alone."""

    def __init__(self) -> None:
        self._second = 0
        self._connections: set[UUID] = set()

    def note(self, connection_ids: Iterable[UUID], now: datetime) -> None:
        if (second := int(now.timestamp())) != self._second:
            self._second, self._connections = second, set()
        self._connections.update(connection_ids)

    def without(self, heard: dict[UUID, str], now: datetime) -> dict[UUID, str]:
        """Those that are due."""
        if int(now.timestamp()) != self._second:
            return heard
        return {connection_id: name for connection_id, name in heard.items() if connection_id not in self._connections}


_heard_lately = _HeardLately()
_written = Written()


def _receipts(submissions: Sequence[Submission], new: set[Key], unsettled: set[UUID]) -> list[Receipt]:
    """A new event that several submissions brought is counted for the first of them."""
    unclaimed = set(new)
    receipts = []
    for submission in submissions:
        claimed = {(submission.connection_id, event.id) for event in submission.events} & unclaimed
        unclaimed -= claimed
        is_settled = submission.connection_id not in unsettled
        receipts.append(Receipt(accepted=True, stored=len(claimed), is_settled=is_settled))
    return receipts
