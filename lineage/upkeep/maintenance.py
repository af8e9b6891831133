"""Locks for maintenance of the stored events: making, emptying and dropping partitions, and rebuilding from events."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import connection, transaction

from lineage.database.timeouts import limit_waits

# Number of the advisory lock; nothing else in the product uses it.
_LOCK: Final = "(5230417, 1)"

# Statements that come later wait behind one that waits for a table's lock, and while it holds the lock.
_LOCK_MS: Final = 500
_STATEMENT_MS: Final = 1_000


def try_maintenance_lock() -> bool:
    """Take the lock for this transaction. False: another process has it."""
    return _query(f"SELECT pg_try_advisory_xact_lock{_LOCK}")


@contextmanager
def maintenance_lock() -> Iterator[None]:
    """Hold the lock for many transactions of this session. It ends with the session if the connection is lost.

    Raises OperationalError (Failure.TIMEOUT) if others hold it for a minute.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '1min'")
        cursor.execute(f"SELECT pg_advisory_lock{_LOCK}")
    try:
        yield
    finally:
        if connection.is_usable():
            _query(f"SELECT pg_advisory_unlock{_LOCK}")


@contextmanager
def short_transaction() -> Iterator[Any]:
    """Open a cursor in a transaction that waits half a second at most for a lock, and a second for a statement.

    Raises OperationalError (Failure.TIMEOUT) if it takes longer.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        limit_waits(lock_ms=_LOCK_MS, statement_ms=_STATEMENT_MS)
        yield cursor


def _query(statement: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        [(answer,)] = cursor.fetchall()
    return bool(answer)
