"""Runs a statement that reads, with named parameters."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import connection
from psycopg.pq import Format

# Bound to `at` by who asks for what is known now: no row is later.
NOW: Final = datetime.max.replace(tzinfo=UTC)


def read_rows(statement: str, bound: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Execute a statement, with results in PostgreSQL's binary form: reading times from text takes longer than a walk
    does otherwise. The statement is prepared at its second use. Django counts and logs it like its own."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        plain: Any = psycopg.Cursor(connection.connection)
        plain.format = Format.BINARY
        wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
        with wrap(plain) as cursor:
            cursor.execute(statement, {name: _packed(value) for name, value in bound.items()})
            return list(cursor.fetchall())


def _packed(value: Any) -> Any:
    """Write a list of UUIDs, some of which may be None, as PostgreSQL reads it. psycopg looks for characters to escape
    in each, which takes several times as long."""
    if isinstance(value, list) and value and isinstance(value[0], UUID):
        return f"{{{','.join(['NULL' if one is None else str(one) for one in value])}}}"
    return value
