"""Boxes and lines as the caller gives them, and as they are placed."""

from collections.abc import Mapping
from dataclasses import dataclass, field


class UnknownBox(ValueError):
    """A line names a box that is not among the boxes."""


@dataclass(frozen=True, slots=True)
class Box:
    """Rectangle to be placed.

    `ports` gives each named row inside, such as a column of a table, the height of its middle below the box's top.
    `frame` is the name of the group that the box is drawn in. Lines to no row meet the middle of the box's upper `head`
    pixels, or of the whole box. `below` is kept free under the box.
    """

    id: str
    width: int
    height: int
    frame: str = ""
    ports: Mapping[str, int] = field(default_factory=dict)
    head: int = 0
    below: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """Directed line from the right side of `source` to the left side of `target`, at the given rows or in the middle.

    Lines of one `kind` from one place share their way until they part. Other lines never do.
    """

    source: str
    target: str
    source_port: str = ""
    target_port: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class PlacedBox:
    """Box with the place of its upper left corner."""

    id: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Frame:
    """Rectangle around the boxes of one frame in one layer, with HEADING pixels above them for the name."""

    name: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """Line as an SVG path. It ends ARROW pixels before the box, where an arrowhead has room, or at a target port."""

    path: str
    start: tuple[int, int]
    end: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes, frames and lines with their places. Boxes and lines have the order in which they were given."""

    width: int
    height: int
    boxes: tuple[PlacedBox, ...]
    frames: tuple[Frame, ...]
    lines: tuple[PlacedLine, ...]
