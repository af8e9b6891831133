"""Hands decoded events to digest and tells what became of them. The seam for group commit: a committer that takes
what several requests wait for replaces `digest([submission])` here, and nothing around it changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, InterfaceError

from connections.verification import VerifiedKey
from lineage.digest import Submission, digest
from lineage.events import Event
from lineage.intake.answers import key_refused

# Classes of SQLSTATE that the same event will meet again: data exception, integrity constraint violation, program
# limit exceeded. By SQLSTATE, for PostgreSQL reports some of these as an OperationalError.
_PERMANENT_CLASSES = ("22", "23", "54")

DatabaseFault = (DatabaseError, InterfaceError)


@dataclass(frozen=True, slots=True)
class Committed:
    """`stored` events were new. `unstorable` are the positions of those that the database can never hold."""

    stored: int
    unstorable: frozenset[int]


def commit(key: VerifiedKey, events: Sequence[Event], *, now: datetime) -> Committed:
    """Stores what can be stored. Raises Rejection (the key is gone) or a database error (nothing was decided)."""
    try:
        [receipt] = digest([Submission(key.connection_id, key.key_id, events)], now=now)
    except DatabaseError as error:
        if not is_permanent(error):
            raise
        return _isolate(key, events, now)
    if not receipt.accepted:
        raise key_refused("The API key was deleted.")
    return Committed(receipt.stored, frozenset())


def _isolate(key: VerifiedKey, events: Sequence[Event], now: datetime) -> Committed:
    """One bad event never sinks its siblings: halves the list until the bad ones stand alone."""
    if len(events) == 1:
        return Committed(0, frozenset({0}))
    middle = len(events) // 2
    first = commit(key, events[:middle], now=now)
    second = commit(key, events[middle:], now=now)
    return Committed(
        first.stored + second.stored,
        first.unstorable | {middle + position for position in second.unstorable},
    )


def is_permanent(error: Exception) -> bool:
    """Whether the same statement would fail again, however often it is tried."""
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    return sqlstate is not None and sqlstate[:2] in _PERMANENT_CLASSES
