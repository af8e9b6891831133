"""Who may change where events are kept: make partitions, empty or drop them, or rebuild what is made of events."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import connection, transaction

# Any number that nothing else of the product locks.
_LOCK: Final = "(5230417, 1)"

# Who waits for a lock makes all that come after him wait as well, and while it is held, they go on waiting.
_LIMITS: Final = "SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = '1s'"


def take_turn() -> bool:
    """Whether it is this transaction's turn, until it ends; if not, another process is at it."""
    return _ask(f"SELECT pg_try_advisory_xact_lock{_LOCK}")


@contextmanager
def alone() -> Iterator[None]:
    """The same for many transactions of this session. Ends with the session, if that is lost.

    Raises OperationalError (Failure.TIMEOUT) where others do not come to an end within a minute.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '1min'")
        cursor.execute(f"SELECT pg_advisory_lock{_LOCK}")
    try:
        yield
    finally:
        if connection.is_usable():
            _ask(f"SELECT pg_advisory_unlock{_LOCK}")


@contextmanager
def short_transaction() -> Iterator[Any]:
    """A cursor in a transaction that waits half a second for a lock, and a second for a statement.

    What takes longer raises OperationalError, of the kind Failure.TIMEOUT.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LIMITS)
        yield cursor


def _ask(question: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(question)
        [(answer,)] = cursor.fetchall()
    return bool(answer)
