"""Hands decoded events to digest and tells what became of them, one submission or many."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from django.db import DatabaseError, InterfaceError

from lineage.database.metrics import Failure
from lineage.database.sessions import count_retry, kind_of
from lineage.digest.digest import Submission, digest

DatabaseFault = (DatabaseError, InterfaceError)


class Committed(NamedTuple):
    """What became of a submission. `accepted` is False where its key is gone: nothing of it was stored.

    `stored` events were new. `unstorable` are the positions of those that the database can never hold. `is_settled` is
    False where runs of the connection are marked.
    """

    accepted: bool
    stored: int
    unstorable: frozenset[int] = frozenset()
    is_settled: bool = True


NOTHING_STORED: Final = Committed(accepted=True, stored=0)


def commit(submissions: Sequence[Submission], *, now: datetime) -> list[Committed]:
    """Stores what can be stored. Raises a database error where nothing was decided: then none was stored."""
    try:
        receipts = digest(submissions, now=now)
    except DatabaseError as error:
        if kind_of(error) != Failure.DATA:
            raise
        count_retry(error)
        return _isolate(submissions, now)
    return [Committed(receipt.accepted, receipt.stored, is_settled=receipt.is_settled) for receipt in receipts]


def _isolate(submissions: Sequence[Submission], now: datetime) -> list[Committed]:
    """One bad event never sinks its neighbours: halves what it came with until it stands alone."""
    if len(submissions) > 1:
        middle = len(submissions) // 2
        return commit(submissions[:middle], now=now) + commit(submissions[middle:], now=now)
    [submission] = submissions
    if len(submission.events) == 1:
        return [Committed(accepted=True, stored=0, unstorable=frozenset({0}))]
    middle = len(submission.events) // 2
    [first] = commit([submission._replace(events=submission.events[:middle])], now=now)
    [second] = commit([submission._replace(events=submission.events[middle:])], now=now)
    unstorable = first.unstorable | {middle + position for position in second.unstorable}
    is_settled = first.is_settled and second.is_settled
    return [Committed(first.accepted and second.accepted, first.stored + second.stored, unstorable, is_settled)]
