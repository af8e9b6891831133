"""Runs a statement with one packed array per column, by itself or in a pipeline."""

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import psycopg
from django.db import connection

from lineage.database.arrays import Column, column
from lineage.database.pipeline import Answer, Pipeline

Row = tuple[Any, ...]


class _Current(threading.local):
    pipeline: Pipeline | None = None


_current = _Current()


class Result:
    """The rows of a statement; where it was sent in a pipeline, to be asked for when that has ended."""

    def __init__(self, answer: psycopg.RawCursor[Row] | Answer | None) -> None:
        self._answer = answer

    def rows(self) -> list[Row]:
        if self._answer is None:
            return []
        with connection.wrap_database_errors:
            return self._answer.rows() if isinstance(self._answer, Answer) else self._answer.fetchall()


@contextmanager
def pipeline() -> Iterator[None]:
    """Statements of `execute` inside travel together, and their errors come when the block ends. Outside a transaction
    they are one of their own, which is committed then; an error inside the block ends it, too."""
    with connection.wrap_database_errors:
        current = Pipeline(connection.connection)
        current.begin()
        _current.pipeline = current
        try:
            yield
        except BaseException:
            current.abandon()
            raise
        else:
            current.end()
        finally:
            _current.pipeline = None


def statement(text: str) -> bytes:
    """A statement for `execute`: its parameters, written `%b`, in PostgreSQL's own notation.

    Of psycopg's notation each long statement would be read again whenever it is executed.
    """
    numbers = count(1)
    return re.sub("%b", lambda _: f"${next(numbers)}", text).encode()


def execute(statement: bytes, parameters: Sequence[Column]) -> Result:
    """Runs a statement, in the pipeline if there is one. Each column is bound to one `%b::type[]`.

    Errors come as Django's database errors; their `__cause__` carries the SQLSTATE.
    """
    if _current.pipeline is not None:
        return Result(_current.pipeline.send(statement, [parameter.packed for parameter in parameters]))
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
