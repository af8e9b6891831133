"""Runs a statement with one packed array per column."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import connection

from lineage.sql.arrays import Column, column

Row = tuple[Any, ...]


class Result:
    """The rows of a statement that may still be under way: inside a pipeline it is sent with those around it."""

    def __init__(self, cursor: psycopg.RawCursor[Row] | None) -> None:
        self._cursor = cursor

    def rows(self) -> list[Row]:
        if self._cursor is None:
            return []
        with connection.wrap_database_errors:
            return self._cursor.fetchall()


@contextmanager
def pipeline() -> Iterator[None]:
    """Sends the statements within together: one wait for all of them. Their errors come at the end, or at the first
    result that is read. Outside a transaction they are one of their own, committed when the block ends."""
    with connection.wrap_database_errors, connection.connection.pipeline():
        if _plans.are_old(connection.connection):
            psycopg.Cursor(connection.connection).execute("DISCARD PLANS")
        yield


class _Plans:
    """When a session should plan its prepared statements anew.

    PostgreSQL plans once, with the tables as large as they are then. In an empty one every index looks alike, and the
    choice stands until ANALYZE comes: in the first minutes of a new installation each event would read more than the
    one before it.
    """

    _MOST = 4096

    def __init__(self) -> None:
        # Session → how many pipelines it had, and at which of them it plans next.
        self._uses: WeakKeyDictionary[Any, tuple[int, int]] = WeakKeyDictionary()

    def are_old(self, session: Any) -> bool:
        """To be asked once for each pipeline. Each time after twice as many of them."""
        uses, due = self._uses.get(session, (0, 16))
        uses += 1
        old = uses >= due
        self._uses[session] = uses, uses + min(uses, self._MOST) if old else due
        return old


_plans = _Plans()


def statement(text: str) -> bytes:
    """A statement for `execute`: its parameters, written `%b`, in PostgreSQL's own notation.

    Of psycopg's notation each long statement would be read again whenever it is executed.
    """
    numbers = count(1)
    return re.sub("%b", lambda _: f"${next(numbers)}", text).encode()


def execute(statement: bytes, parameters: Sequence[Column | bool]) -> Result:
    """Runs a statement inside a transaction. Each column is bound to one `%b::type[]`.

    Errors come as Django's database errors, at the next result that is read; their `__cause__` carries the SQLSTATE.
    """
    with connection.wrap_database_errors:
        cursor = psycopg.RawCursor(connection.connection)
        cursor.execute(statement, parameters, prepare=True, binary=True)
        return Result(cursor)


def execute_rows(statement: bytes, types: Sequence[str], rows: Iterable[Row]) -> Result:
    """The same for rows, whose columns are of these types; without a row nothing is sent."""
    columns = pack(types, rows)
    return execute(statement, columns) if columns else Result(None)


def pack(types: Sequence[str], rows: Iterable[Row]) -> list[Column]:
    """Rows turned into columns; no column without a row."""
    values = zip(*rows, strict=True)
    return [column(type_, of_column) for type_, of_column in zip(types, values, strict=False)]


def arrays(types: Sequence[str]) -> str:
    """What a statement unnests: `%b::uuid[], %b::text[], ...`"""
    return ", ".join("%b::text[]" if type_.endswith("[]") else f"%b::{type_}[]" for type_ in types)
