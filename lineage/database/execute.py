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
from lineage.database.pipeline import Pipeline, PipelinedResult

Row = tuple[Any, ...]


class _Current(threading.local):
    pipeline: Pipeline | None = None


_current = _Current()


class Result:
    """The rows of a statement; of one in a pipeline they are there when the pipeline has ended."""

    def __init__(self, source: psycopg.RawCursor[Row] | PipelinedResult | None) -> None:
        self._source = source

    def rows(self) -> list[Row]:
        if self._source is None:
            return []
        with connection.wrap_database_errors:
            return self._source.rows() if isinstance(self._source, PipelinedResult) else self._source.fetchall()


@contextmanager
def pipeline() -> Iterator[None]:
    """Sends the statements that `execute` gets inside the block together. Their errors are raised when the block ends.

    Outside a transaction they are a transaction, which is committed then; an exception inside the block rolls it back.
    """
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
    """Executes `statement` with `rows` packed as arrays of these types. Does nothing if `rows` is empty."""
    columns = pack(types, rows)
    return execute(statement, columns) if columns else Result(None)


def pack(types: Sequence[str], rows: Iterable[Row]) -> list[Column]:
    """Packs rows as columns; no column without a row."""
    values = zip(*rows, strict=True)
    return [column(type_, of_column) for type_, of_column in zip(types, values, strict=False)]


def arrays(types: Sequence[str]) -> str:
    """Parameters for a statement to unnest: `%b::uuid[], %b::text[], ...`"""
    return ", ".join("%b::text[]" if type_.endswith("[]") else f"%b::{type_}[]" for type_ in types)
