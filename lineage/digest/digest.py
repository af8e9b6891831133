"""Events in, rows out: one transaction, no HTTP. Any order and any repetition of events gives the same rows.

Stores what several requests sent, and projects the new events into jobs, runs, datasets and edges.
"""

from collections.abc import Collection, Iterable, Sequence, Set
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
from lineage.database.sessions import count_retry
from lineage.digest.descriptions import description_rows
from lineage.digest.fold import Key, Rows, fold
from lineage.digest.known import Written
from lineage.digest.statements import datasets, events, jobs
from lineage.digest.statements.keys import insist_live
from lineage.events import Event
from lineage.events.decode import subject_id

# SQLSTATEs of transactions that another one upset: serialization_failure, deadlock_detected.
_UPSET = ("40001", "40P01")
_TRIES = 5


class Submission(NamedTuple):
    """What one request brings: decoded events, and the key that vouches for them."""

    connection_id: UUID
    key_id: UUID
    events: Sequence[Event]


class Receipt(NamedTuple):
    """What became of a submission. `accepted` is False where its key is no longer one of the connection:
    nothing of it was stored. `stored` counts the events that were new; the others were stored before."""

    accepted: bool
    stored: int


def digest(submissions: Sequence[Submission], *, now: datetime) -> list[Receipt]:
    """Commits all submissions in one transaction and tells what became of each, in their order.

    Raises Django's database errors; then nothing was stored.
    """
    connection.ensure_connection()
    digest_once = _digest_in_one_piece
    for remaining in range(_TRIES - 1, -1, -1):
        try:
            receipts, rows, heard = digest_once(submissions, now)
        except _KeysGone as gone:
            return _without(gone.keys, submissions, now)
        except Error as error:
            forget_written()
            sqlstate = getattr(error.__cause__, "sqlstate", None)
            if sqlstate == INSISTED:
                digest_once = _digest_with_a_look
            elif remaining and sqlstate in _UPSET:
                count_retry(error)
            elif not remaining or sqlstate != STATEMENT_UNKNOWN:
                raise
        else:
            _written.note(rows)
            _heard_lately.note(heard, now)
            return receipts
    raise AssertionError("the last try returns or raises")


def forget_written() -> None:
    """Has the next events write all their rows: those that this process saw committed may be gone."""
    _written.forget()


class _KeysGone(Exception):
    """Keys that vouch for some of the submissions no longer exist: the transaction must not commit."""

    def __init__(self, keys: set[UUID]) -> None:
        super().__init__(keys)
        self.keys = keys


def _without(keys: set[UUID], submissions: Sequence[Submission], now: datetime) -> list[Receipt]:
    """Digests the others. Rare: who sends with a key that is gone is refused before he comes here again."""
    others = iter(digest([s for s in submissions if s.key_id not in keys], now=now))
    return [Receipt(accepted=False, stored=0) if s.key_id in keys else next(others) for s in submissions]


# The receipts, the rows that are now written, and who was heard from.
_Digested = tuple[list[Receipt], Rows, dict[UUID, str]]


def _digest_in_one_piece(submissions: Sequence[Submission], now: datetime) -> _Digested:
    """One round trip, COMMIT included: what locks the rows of jobs never waits for this process. Fails with the
    SQLSTATE INSISTED where something has to be looked at first: a key that is gone, a run that changes its job."""
    offered, heard = _offered(submissions), _heard_from(submissions)
    rows = _fold(offered)
    with transaction.atomic() if connection.in_atomic_block else nullcontext(), pipeline():
        insist_live({(s.key_id, s.connection_id) for s in submissions})
        outcome = _store(offered, rows, now, moves_allowed=False)
        _project(rows, of_dbt=rows.of_dbt)
        events.touch_activity(_heard_lately.without(heard, now), now=now)
    new, _ = _read(outcome)
    return _receipts(submissions, new), rows, heard


@transaction.atomic
def _digest_with_a_look(submissions: Sequence[Submission], now: datetime) -> _Digested:
    """Reads the answers before it locks a job, for only they say which. Rare."""
    offered, heard = _offered(submissions), _heard_from(submissions)
    rows = _fold(offered)
    _check_keys(submissions, ApiKey.objects.lock_live({submission.key_id for submission in submissions}))
    with pipeline():
        outcome = _store(offered, rows, now, moves_allowed=True)
    new, moved = _read(outcome)
    with pipeline():
        _project(rows, moved=moved)
        events.touch_activity(_heard_lately.without(heard, now), now=now)
    return _receipts(submissions, new), rows, heard


def _offered(submissions: Sequence[Submission]) -> dict[Key, Event]:
    return {(s.connection_id, event.id): event for s in submissions for event in s.events}


def _fold(offered: dict[Key, Event]) -> Rows:
    return fold((connection_id, event) for (connection_id, _), event in offered.items())


def _check_keys(submissions: Sequence[Submission], connection_of_key: dict[UUID, UUID]) -> None:
    gone = {s.key_id for s in submissions if connection_of_key.get(s.key_id) != s.connection_id}
    if gone:
        raise _KeysGone(gone)


def _store(offered: dict[Key, Event], rows: Rows, now: datetime, *, moves_allowed: bool) -> Result:
    """Events and their runs."""
    return events.store_events(
        _event_rows(offered, now), rows.runs.values(), have_rare=rows.have_rare, moves_allowed=moves_allowed
    )


def _project(rows: Rows, *, moved: Set[Key] = frozenset(), of_dbt: Collection[Key] | None = None) -> None:
    """All that is made of events but the runs. `moved`: more jobs whose runs changed.

    Every merge but the count of a run's events, which the database sees to, may be repeated: so the rows are written
    before it is known which of the events are new.

    Jobs come after the runs, and their locks are held for as short as can be: all writers of a job wait for them. They
    are taken at once and sorted, so that two transactions never wait for one another.
    """
    ended, descriptions = sorted(rows.ended), _written.descriptions(rows)
    jobs.insert_jobs(_written.jobs(rows))
    jobs.lock_jobs(sorted(rows.jobs.keys() | moved), ended=ended)
    jobs.update_jobs(description_rows(descriptions), of_dbt=of_dbt)
    jobs.recount_runs(sorted((rows.jobs.keys() | moved) - descriptions.keys()), of_dbt=of_dbt)
    jobs.recount_runs_in_doubt(ended)
    datasets.insert_datasets(_written.datasets(rows))
    datasets.mark_described(_written.described(rows))
    datasets.upsert_edges(_written.edges(rows))


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


def _read(outcome: Result) -> tuple[set[Key], set[Key]]:
    """The events that are new, and the jobs that their runs are filed under or were, where their rows say others: an
    earlier event may file a run under another job, and then both change. Rare."""
    new, moved = set(), set()
    for connection_id, event_id, job_id, previous_job_id in outcome.rows():
        if event_id:
            new.add((connection_id, event_id))
        else:
            moved |= {(connection_id, id_) for id_ in (job_id, previous_job_id) if id_}
    return new, moved


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


def _receipts(submissions: Sequence[Submission], new: set[Key]) -> list[Receipt]:
    """A new event that several submissions brought is counted for the first of them."""
    if len(new) == sum([len(submission.events) for submission in submissions]):
        return [Receipt(accepted=True, stored=len(submission.events)) for submission in submissions]
    unclaimed = set(new)
    receipts = []
    for submission in submissions:
        claimed = {(submission.connection_id, event.id) for event in submission.events} & unclaimed
        unclaimed -= claimed
        receipts.append(Receipt(accepted=True, stored=len(claimed)))
    return receipts
