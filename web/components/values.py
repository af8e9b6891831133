"""Readers of values in a URL: each returns the text, empty for none, or raises ValueError that says what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from lineage.database.keyset import Keyset

Reader = Callable[[str], str]
_MOST_DIGITS: Final = 9


def one_of(known: Iterable[str]) -> Reader:
    """Make the reader of a value that is one of a few."""
    values = list(known)

    def read(text: str) -> str:
        if text and text not in values:
            raise ValueError(f"Not one of {', '.join(values)}.")
        return text

    return read


def sort_key(columns: Iterable[str]) -> Reader:
    """Make the reader of a column to sort by, descending with `-` in front."""
    known = list(columns)

    def read(text: str) -> str:
        if text and text.removeprefix("-") not in known:
            raise ValueError(f"Not one of {', '.join(known)}, or one of them with - in front.")
        return text

    return read


def place_in(keyset: Keyset) -> Reader:
    """Make the reader of a cursor of a list."""

    def read(text: str) -> str:
        try:
            if text:
                keyset.read_cursor(text)
        except ValueError:
            raise ValueError("Not a place in this list: follow the links below it.") from None
        return text

    return read


def page_number(text: str) -> str:
    """Read the number of a page. One beyond the last page is fine: rows may be gone meanwhile."""
    if text and not (_is_number(text) and int(text)):
        raise ValueError("Not the number of a page: the first is 1.")
    return text


def whole_number(text: str) -> str:
    if text and not _is_number(text):
        raise ValueError("Not a whole number.")
    return text


def uuid(text: str) -> str:
    try:
        return text and str(UUID(text))
    except ValueError:
        raise ValueError("Not a UUID.") from None


def uuids(most: int) -> Reader:
    """Make the reader of ids with commas between them: each once, the first `most` of them."""

    def read(text: str) -> str:
        try:
            ids = dict.fromkeys(str(UUID(part)) for part in text.split(",", maxsplit=most)[:most] if part)
        except ValueError:
            raise ValueError("Not UUIDs with commas between them.") from None
        return ",".join(ids)

    return read


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
