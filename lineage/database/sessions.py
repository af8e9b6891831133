"""Sessions of the pool: recovers when PostgreSQL ended them, and classifies errors."""

import traceback
from collections.abc import Callable
from typing import Final, TypeVar

from django.db import InterfaceError, OperationalError, connection
from psycopg_pool import PoolTimeout

from lineage.database.metrics import ERRORS, RETRIES, Failure

T = TypeVar("T")

LOCK_NOT_AVAILABLE: Final = "55P03"  # SQLSTATE: a lock was not given in time

# SQLSTATEs begin with a class of two characters. Those of sessions that PostgreSQL ends (57P01, admin_shutdown, and its
# kin) come like any other error, as its last words.
_KINDS = {
    "08": Failure.LOST,
    "57P": Failure.LOST,
    "57014": Failure.TIMEOUT,  # query_canceled
    LOCK_NOT_AVAILABLE: Failure.TIMEOUT,
    "40": Failure.CONFLICT,
    "53": Failure.RESOURCES,
    # Data exception, integrity constraint violation, program limit exceeded.
    "22": Failure.DATA,
    "23": Failure.DATA,
    "54": Failure.DATA,
}


def survive_lost_session(function: Callable[[], T]) -> T:
    """Calls the function, and once more in a new session where its session turns out to be lost.

    For functions that may be repeated: whether a lost COMMIT took place is unknown. Digest is one of them.
    """
    try:
        return function()
    except (OperationalError, InterfaceError) as error:
        if connection.in_atomic_block or kind_of(error) != Failure.LOST:
            raise
        count_retry(error)
    replace_ended_sessions()
    return function()


def kind_of(error: Exception) -> Failure:
    """Classifies an error by its SQLSTATE: PostgreSQL reports some errors of data as an OperationalError. An error
    without SQLSTATE is psycopg's own, raised when no answer came; the session itself may not have noticed yet."""
    if isinstance(error.__cause__, PoolTimeout):
        return Failure.POOL
    sqlstate = sqlstate_of(error)
    if sqlstate is None:
        return Failure.LOST if isinstance(error, (OperationalError, InterfaceError)) else Failure.OTHER
    return next((kind for beginning, kind in _KINDS.items() if sqlstate.startswith(beginning)), Failure.OTHER)


def sqlstate_of(error: BaseException) -> str | None:
    """The SQLSTATE of a database error of Django's; None where PostgreSQL did not answer."""
    return getattr(error.__cause__, "sqlstate", None)


def count_error(error: Exception) -> None:
    """Counts an error. To be called once for each."""
    ERRORS[kind_of(error)].inc()


def count_retry(error: Exception) -> None:
    """Counts an error after which the transaction is tried again."""
    count_error(error)
    RETRIES[kind_of(error)].inc()


def let_go(error: BaseException) -> None:
    """Frees what the functions that a handled error passed through still hold: events of many megabytes, perhaps.

    Django's database errors and their tracebacks refer to one another, so Python would free them only when it next
    looks for such cycles, which an idle process does not.
    """
    traceback.clear_frames(error.__traceback__)


def what_happened(error: Exception) -> str:
    """PostgreSQL's message for the log, without its details, which may quote what senders wrote."""
    diagnosis = getattr(error.__cause__, "diag", None)
    primary = getattr(diagnosis, "message_primary", None)
    return f"{error.__cause__.sqlstate}: {primary}" if primary else str(error)  # type: ignore[union-attr]


def replace_ended_sessions() -> None:
    """Drops ended sessions after a database error: a restart of PostgreSQL ends all sessions of the pool at once.

    Checking each session before it is handed out would not do: the pool pauses for a second, then for two, after
    each that it finds ended (psycopg_pool 3.3).
    """
    connection.close()
    pool = connection.pool  # type: ignore[attr-defined]  # PostgreSQL's alone have one
    if pool is not None:
        pool.check()
