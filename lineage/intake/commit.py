"""Commits submissions by digest. Keeps apart events that can never be stored, and submissions that wait for locks."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

from django.db import DatabaseError, InterfaceError

from lineage.database.metrics import Failure
from lineage.database.sessions import LOCK_NOT_AVAILABLE, count_retry, kind_of, let_go, sqlstate_of
from lineage.digest.digest import Submission, digest
from lineage.digest.locked_rows import RowKey, locked_rows, rows_needed_by

DatabaseFault = (DatabaseError, InterfaceError)


# Other transactions of the product hold a row for some milliseconds.
PATIENCE_MS: Final = 100
# For a lock of which others have been waiting already.
SHORT_MS: Final = 20
# Transactions of one commit that may wait for that in vain. What was not tried by then waits for the next commit.
_MOST_IN_VAIN: Final = 5


class Committed(NamedTuple):
    """The result of a submission. `accepted` is False if its voucher is not live: nothing was stored.

    `stored` events were new. `unstorable` are the positions of those that the database can never hold. `is_settled` is
    False where runs of the connection are marked. `waits`: it needs what another transaction keeps locked, and is to be
    committed again. `locked`: rows that it waits for; none if the lock shows in no row.
    """

    accepted: bool
    stored: int
    unstorable: frozenset[int] = frozenset()
    is_settled: bool = True
    waits: bool = False
    locked: frozenset[RowKey] = frozenset()


NOTHING_STORED: Final = Committed(accepted=True, stored=0)
_WAITS: Final = NOTHING_STORED._replace(waits=True)


def commit(submissions: Sequence[Submission], *, now: datetime, lock_ms: int = PATIENCE_MS) -> list[Committed]:
    """Stores the events that can be stored. Raises a database error if nothing was decided: then none was stored.

    Waits for a lock for `lock_ms` milliseconds, then stores what does not need it.
    """
    committed = _try_to_commit(submissions, now, lock_ms)
    return _commit_unlocked(submissions, now) if committed is None else committed


def _try_to_commit(submissions: Sequence[Submission], now: datetime, lock_ms: int) -> list[Committed] | None:
    """`commit`, but returns None if another transaction kept a lock."""
    try:
        receipts = digest(submissions, now=now, lock_ms=lock_ms)
        return [Committed(receipt.accepted, receipt.stored, is_settled=receipt.is_settled) for receipt in receipts]
    except DatabaseError as error:
        is_locked = sqlstate_of(error) == LOCK_NOT_AVAILABLE
        if not is_locked and kind_of(error) != Failure.DATA:
            raise
        count_retry(error)
        let_go(error)
    return None if is_locked else _isolate(submissions, now, lock_ms)


def _commit_unlocked(submissions: Sequence[Submission], now: datetime) -> list[Committed]:
    """Commits the submissions that need nothing locked, and tells the locked rows that the others need."""
    needed = [rows_needed_by(submission) for submission in submissions]
    locked = _locked(frozenset().union(*needed))
    free = [submission for submission, rows in zip(submissions, needed, strict=True) if not rows & locked]
    committed = _try_to_commit(free, now, SHORT_MS) if locked and free else None
    results = iter(_commit_apart(free, now) if committed is None else committed)
    return [_WAITS._replace(locked=rows & locked) if rows & locked else next(results) for rows in needed]


def _locked(rows: Iterable[RowKey]) -> frozenset[RowKey]:
    """The locked ones among the rows; none if that cannot be found out, because their whole table is locked."""
    try:
        return locked_rows(rows)
    except DatabaseError as error:
        if sqlstate_of(error) != LOCK_NOT_AVAILABLE:
            raise
        count_retry(error)
        let_go(error)
    return frozenset()


def _commit_apart(submissions: Sequence[Submission], now: datetime) -> list[Committed]:
    """Commits connections one at a time, or if there is one, its submissions: some of them wait for a lock that shows
    in no row, such as a row that another transaction inserted and has not committed."""
    groups: dict[object, list[int]] = defaultdict(list)
    is_one = len({submission.connection_id for submission in submissions}) == 1
    for position, submission in enumerate(submissions):
        groups[position if is_one else submission.connection_id].append(position)
    results: dict[int, Committed] = {}
    in_vain = 0
    for positions in groups.values():
        group = [submissions[position] for position in positions]
        committed = _try_to_commit(group, now, SHORT_MS) if in_vain < _MOST_IN_VAIN else None
        in_vain += committed is None
        results.update(zip(positions, committed or [_WAITS] * len(group), strict=True))
    return [results[position] for position in range(len(submissions))]


def _isolate(submissions: Sequence[Submission], now: datetime, lock_ms: int) -> list[Committed]:
    """Halves submissions until a bad event is alone, so that its neighbours are stored."""
    store = partial(commit, now=now, lock_ms=lock_ms)
    if len(submissions) > 1:
        middle = len(submissions) // 2
        return store(submissions[:middle]) + store(submissions[middle:])
    [submission] = submissions
    if len(submission.events) == 1:
        return [Committed(accepted=True, stored=0, unstorable=frozenset({0}))]
    middle = len(submission.events) // 2
    [first] = store([submission._replace(events=submission.events[:middle])])
    [second] = store([submission._replace(events=submission.events[middle:])])
    return [
        Committed(
            accepted=first.accepted and second.accepted,
            stored=first.stored + second.stored,
            unstorable=first.unstorable | {middle + position for position in second.unstorable},
            is_settled=first.is_settled and second.is_settled,
            waits=first.waits or second.waits,
            locked=first.locked | second.locked,
        )
    ]
