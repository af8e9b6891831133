"""Runs a statement with one array per column, bound on the server."""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from django.db import connection

Row = tuple[Any, ...]


def execute(statement: str, columns: Sequence[list[Any]]) -> list[Row]:
    """The statement's rows, if it returns any. Each element of `columns` is bound to one `%b::type[]`.

    Errors come as Django's database errors; their `__cause__` carries the SQLSTATE.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement.encode(), columns, prepare=True)
        return cursor.fetchall() if cursor.description else []


def by_column(rows: Iterable[Row], width: int) -> list[list[Any]]:
    """Rows turned into columns; `width` columns even without a row."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]
