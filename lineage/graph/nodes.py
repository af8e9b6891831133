"""Texts of nodes and lines, which a page fills."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Tone(StrEnum):
    """Colour of a node's border or of its state. The colour never stands alone: words and an icon say it, too."""

    PLAIN = "plain"
    RED = "red"
    AMBER = "amber"
    VIOLET = "violet"
    GREEN = "green"
    GRAY = "gray"


class Style(StrEnum):
    """Meaning of a line; each is drawn in its own way."""

    DATA = "data"
    EXPLICIT = "explicit"
    VARYING = "varying"
    ASSUMED = "assumed"
    RENAMED = "renamed"
    DEPENDS = "depends"
    GREEN = "green"
    VIOLET = "violet"
    AMBER = "amber"
    COLUMN = "column"
    INDIRECT = "indirect"
    ADDED = "added"
    GONE = "gone"

    @property
    def is_of_columns(self) -> bool:
        """True: it runs from row to row, and ends in dots."""
        return self in (Style.COLUMN, Style.INDIRECT)

    @property
    def tone(self) -> Tone:
        """Return the colour of the arrowhead."""
        return {
            Style.GREEN: Tone.GREEN,
            Style.ADDED: Tone.GREEN,
            Style.VIOLET: Tone.VIOLET,
            Style.AMBER: Tone.AMBER,
        }.get(self, Tone.GRAY)


# Row that stands for all columns without a row of their own.
OTHER_COLUMNS: Final = "\0"


@dataclass(frozen=True, slots=True)
class Row:
    """Row of a node: a column, or the link to all columns (`is_column` false)."""

    name: str
    url: str
    is_highlighted: bool = False
    is_column: bool = True

    @property
    def port(self) -> str:
        """Return what lines call it that end here."""
        return self.name if self.is_column else OTHER_COLUMNS


@dataclass(frozen=True, slots=True)
class Stub:
    """Link to neighbours that are not shown: `+6 readers`. `url`: empty if they cannot be shown."""

    count: int
    noun: str
    url: str

    @property
    def nouns(self) -> str:
        """Return the noun as the count needs it."""
        return self.noun if self.count == 1 else f"{self.noun}s"


@dataclass(frozen=True, slots=True)
class State:
    """State of a node in words, with an icon of the sprite, and the time that stands on the right."""

    words: str
    icon: str
    tone: Tone = Tone.PLAIN
    time: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """Texts of one job or dataset. `frame` is the name of the group around it, such as its connection."""

    id: str
    title: str
    url: str
    icon: str = "database"
    second: str = ""
    second_icon: str = "list-check"
    state: State | None = None
    tone: Tone = Tone.PLAIN
    frame: str = ""
    rows: Sequence[Row] = ()
    upstream: Stub | None = None
    downstream: Stub | None = None
    is_focus: bool = False
    is_dropped: bool = False
    is_gone: bool = False
    is_referenced_only: bool = False
    # On the path that the reader follows, and one of its ends that the reader locked.
    is_traced: bool = False
    is_locked: bool = False

    @property
    def marks(self) -> str:
        """Return its CSS classes beside that of its tone."""
        marks = {"dropped": self.is_dropped, "gone": self.is_gone, "referenced": self.is_referenced_only}
        return "".join(f" is-{mark}" for mark, is_set in marks.items() if is_set)


@dataclass(frozen=True, slots=True)
class Arrow:
    """Line between two nodes, or between two of their rows (`Row.port`)."""

    source: str
    target: str
    style: Style = Style.DATA
    source_row: str = ""
    target_row: str = ""
    is_traced: bool = False
