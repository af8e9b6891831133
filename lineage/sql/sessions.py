"""The sessions that the pool holds, and what to do when PostgreSQL ended them."""

from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection
from psycopg_pool import PoolTimeout

T = TypeVar("T")


def survive_lost_session(function: Callable[[], T]) -> T:
    """Calls the function, and once more in a new session where its session turns out to be lost.

    For functions that may be repeated: whether a lost COMMIT took place is unknown. Digest is one of them.
    """
    try:
        return function()
    except (OperationalError, InterfaceError) as error:
        if connection.in_atomic_block or not _lost(error):
            raise
    replace_ended_sessions()
    return function()


def what_happened(error: Exception) -> str:
    """For the log: PostgreSQL's message without its details, which may quote what senders wrote."""
    diagnosis = getattr(error.__cause__, "diag", None)
    primary = getattr(diagnosis, "message_primary", None)
    return f"{error.__cause__.sqlstate}: {primary}" if primary else str(error)  # type: ignore[union-attr]


def replace_ended_sessions() -> None:
    """To be called after a database error: a restart of PostgreSQL ends all sessions of the pool at once.

    Checking each session before it is handed out would not do: the pool pauses for a second, then for two, after
    each that it finds ended (psycopg_pool 3.3).
    """
    connection.close()
    pool = connection.pool  # type: ignore[attr-defined]  # PostgreSQL's alone have one
    if pool is not None:
        pool.check()


def _lost(error: Exception) -> bool:
    """Whether the error says that the session is gone. The session itself may not have noticed yet: PostgreSQL's last
    words to it (57P01, admin_shutdown, and its kin) come like any other error."""
    if isinstance(error.__cause__, PoolTimeout):
        return False
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    if sqlstate is None:  # psycopg's own word: no answer came
        return True
    return str(sqlstate).startswith(("08", "57P"))
