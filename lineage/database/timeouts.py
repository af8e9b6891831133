"""Limits on how long a transaction waits for locks, and on how long its statements take."""

from functools import cache

from lineage.database.execute import execute, statement


def limit_waits(*, lock_ms: int, statement_ms: int) -> None:
    """Limits the current transaction: for each lock that it waits for, and for each of its statements, in milliseconds.

    PostgreSQL ends a statement beyond a limit with an error of the kind Failure.TIMEOUT.
    """
    execute(_limits(lock_ms, statement_ms), [])


@cache
def _limits(lock_ms: int, statement_ms: int) -> bytes:
    return statement(
        f"SELECT set_config('lock_timeout', '{lock_ms}', true), set_config('statement_timeout', '{statement_ms}', true)"
    )
