"""The sessions that the pool holds."""

from django.db import connection


def replace_ended_sessions() -> None:
    """To be called after a database error: a restart of PostgreSQL ends all sessions of the pool at once.

    Checking each session before it is handed out would not do: the pool pauses for a second, then for two, after
    each that it finds ended (psycopg_pool 3.3).
    """
    pool = connection.pool  # type: ignore[attr-defined]  # PostgreSQL's alone have one
    if pool is not None:
        pool.check()
