"""Pages by keyset: the cursor holds the place where a page ended, so that the next begins right behind it, even if
rows arrived meanwhile.

The whole key is compared as one row value, `(run_at, id) < (…, …)`: it is unique, and the index is ordered by it. A
deep page costs what the first one does.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan


def _instant(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo != UTC:
        raise ValueError("no time as a cursor has it")
    return value


def _text(text: str) -> str:
    if "\0" in text:
        raise ValueError("PostgreSQL has no text with a NUL")
    return text


def _small(text: str) -> int:
    value = int(text)
    if not -(2**31) <= value < 2**31:
        raise ValueError("no number that a list goes by")
    return value


_PARSERS: Final[Mapping[type, Callable[[str], object]]] = {datetime: _instant, UUID: UUID, str: _text, int: _small}


class Cursor(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """The place where a page begins: behind the row that has these values, or, backward, before it.

    Backward without values: the last page there is.
    """

    backward: bool
    values: list[str]

    def encode(self) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @staticmethod
    def decode(text: str) -> "Cursor":
        """Raises ValueError for what `encode` never made. The work does not grow beyond the text's length."""
        padded = text + "=" * (-len(text) % 4)
        return _cursor_decoder.decode(base64.b64decode(padded, altchars=b"-_", validate=True))


_cursor_decoder: Final = msgspec.json.Decoder(Cursor)


@dataclass(frozen=True, slots=True)
class KeysetPage:
    """Rows in the list's order, and where the pages around them begin; a cursor of None: with the first row."""

    rows: list[Any]
    has_previous: bool
    previous: Cursor | None
    has_next: bool
    next: Cursor | None


@dataclass(frozen=True, slots=True)
class Keyset:
    """The order of a list: columns that are unique together, all in one direction, with their types."""

    columns: Mapping[str, type]
    descending: bool = False

    def page(
        self,
        queryset: Any,
        cursor: Cursor | None,
        size: int,
        fitting: Callable[[list[Any]], list[Any]] = lambda rows: rows,
    ) -> KeysetPage:
        """Reads `size` rows at most, or those that `fitting` takes of them. ValueError: a cursor of another list."""
        found = list(self.ordered(queryset, cursor)[: size + 1])
        rows = fitting(found[:size])
        is_cut = len(found) > len(rows)
        backward = cursor is not None and cursor.backward
        if backward:
            rows.reverse()
        return KeysetPage(
            rows=rows,
            has_previous=is_cut if backward else cursor is not None,
            previous=Cursor(True, self.place_of(rows[0]) if rows else []),
            has_next=backward or is_cut,
            next=Cursor(False, self.place_of(rows[-1])) if rows else None,
        )

    def ordered(self, queryset: Any, cursor: Cursor | None) -> Any:
        """The rows from the cursor on, nearest first. Raises ValueError for a cursor of another list."""
        backward = cursor is not None and cursor.backward
        downwards = self.descending != backward
        if cursor is not None and (position := self._position(cursor)):
            lookup = TupleLessThan if downwards else TupleGreaterThan
            queryset = queryset.filter(lookup(Tuple(*self.columns), position))
        return queryset.order_by(*(f"-{name}" if downwards else name for name in self.columns))

    def read_cursor(self, text: str) -> Cursor:
        """Read a cursor of this list. Raises ValueError for any other text."""
        cursor = Cursor.decode(text)
        self._position(cursor)
        return cursor

    def _position(self, cursor: Cursor) -> tuple[object, ...]:
        """Parse the values of a cursor; none of the one that leads to the last page."""
        if cursor.backward and not cursor.values:
            return ()
        parsers = (_PARSERS[type_] for type_ in self.columns.values())
        return tuple(parse(value) for parse, value in zip(parsers, cursor.values, strict=True))

    def place_of(self, row: Any) -> list[str]:
        """The values of a row that a cursor holds."""
        values = (row[name] if isinstance(row, Mapping) else getattr(row, name) for name in self.columns)
        return [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]


# The order of the runs of one connection, in which ids are unique.
NEWEST_RUN_FIRST: Final = Keyset({"run_at": datetime, "id": UUID}, descending=True)
# The order of the runs of all connections: two of them may hold runs with one id.
NEWEST_RUN_OF_ALL_FIRST: Final = Keyset({"run_at": datetime, "id": UUID, "connection_id": UUID}, descending=True)
OLDEST_RUN_FIRST: Final = Keyset({"run_at": datetime, "id": UUID, "connection_id": UUID})
