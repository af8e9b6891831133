"""Runs a statement with one array per column, bound on the server."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection

Row = tuple[Any, ...]


class Result:
    """The rows of a statement that may still be under way: inside a pipeline it is sent with those around it."""

    def __init__(self, cursor: psycopg.Cursor[Row] | None) -> None:
        self._cursor = cursor

    def rows(self) -> list[Row]:
        if self._cursor is None:
            return []
        with connection.wrap_database_errors:
            return self._cursor.fetchall()


@contextmanager
def pipeline() -> Iterator[None]:
    """Sends the statements within together: one wait for all of them. Their errors come at the end, or at the first
    result that is read."""
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


def execute(statement: bytes, columns: Sequence[list[Any]]) -> Result:
    """Runs a statement inside a transaction; one without rows to write is not sent.

    Each element of `columns` is bound to one `%b::type[]`: in binary, for psycopg escapes the texts of a textual
    array letter by letter (for an event's body, two thirds of all the CPU).

    Errors come as Django's database errors, at the next result that is read; their `__cause__` carries the SQLSTATE.
    """
    if not columns[0]:
        return Result(None)
    with connection.wrap_database_errors:
        cursor = psycopg.Cursor(connection.connection)
        cursor.execute(statement, columns, prepare=True)
        return Result(cursor)


def by_column(rows: Iterable[Row], width: int) -> list[list[Any]]:
    """Rows turned into columns; `width` columns even without a row."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]
