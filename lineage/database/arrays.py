"""Columns as PostgreSQL's binary arrays.

psycopg binds a list element by element in Python, which was half of all the CPU of a small transaction. Here a
column of known type is packed at once. The format is that of PostgreSQL's `array_recv`: the number of dimensions,
whether there are NULLs, the type of the elements, the length and the first index; then each element with its own
length, -1 for NULL.
"""

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NULL: Final = b"\xff\xff\xff\xff"
_EMPTY: Final = struct.Struct("!iiI")
_HEAD: Final = struct.Struct("!iiIii")
_LENGTH: Final = struct.Struct("!i")
_INT4: Final = struct.Struct("!ii")
_INT8: Final = struct.Struct("!iq")
_TRUE, _FALSE = b"\0\0\0\1\1", b"\0\0\0\1\0"
_UUID_LENGTH: Final = _LENGTH.pack(16)


class Column:
    """A packed column, to be bound to a `%b::type[]` of a statement."""

    __slots__ = ("packed",)

    def __init__(self, packed: bytes) -> None:
        self.packed = packed


class ColumnDumper(Dumper):
    """Leaves the type to the statement's cast."""

    format = Format.BINARY

    def dump(self, obj: Column) -> Buffer:
        return obj.packed


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _LENGTH.pack(len(encoded)) + encoded


def _bytes(value: bytes) -> bytes:
    return _LENGTH.pack(len(value)) + value


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


# Type → the id of its elements in PostgreSQL's catalog, and a function that packs one with its length.
_PACKERS: Final[dict[str, tuple[int, Callable[[Any], bytes]]]] = {
    "uuid": (2950, lambda value: _UUID_LENGTH + value.int.to_bytes(16)),
    "text": (25, _text),
    "bytea": (17, _bytes),
    "boolean": (16, lambda value: _TRUE if value else _FALSE),
    "bigint": (20, lambda value: _INT8.pack(8, value)),
    "integer": (23, lambda value: _INT4.pack(4, value)),
    "timestamptz": (1184, lambda value: _INT8.pack(8, (value - _EPOCH) // _MICROSECOND)),
    # Arrays of any length travel as text, for the statement to cast: the elements of an array have one shape.
    "uuid[]": (25, lambda value: _text("{" + ",".join(sorted(id_.hex for id_ in value)) + "}")),
    "text[]": (25, lambda value: _text("{" + ",".join(map(_quoted, value)) + "}")),
}


def column(type_: str, values: Sequence[Any]) -> Column:
    """Packs values of one type: uuid, text (without NUL), bytea, boolean, integer (int4), bigint (int8), timestamptz
    (aware), uuid[] (a set, sent as text), or text[] (sent as text, too). None is NULL."""
    oid, pack = _PACKERS[type_]
    if not values:
        return Column(_EMPTY.pack(0, 0, oid))
    head, first = _HEAD.pack(1, 1, oid, len(values), 1), values[0]
    # Most columns of runs have one value in all rows, often NULL.
    if first is values[-1] and values.count(first) == len(values):
        return Column(head + (_NULL if first is None else pack(first)) * len(values))
    return Column(head + b"".join([_NULL if value is None else pack(value) for value in values]))


def register() -> None:
    """Registers the dumper of Column. To be called before the first connection to the database is made."""
    psycopg.adapters.register_dumper(Column, ColumnDumper)
