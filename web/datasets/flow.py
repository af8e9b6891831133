"""Boxes of the jobs that write and read a dataset: the latest ones, with lines between. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from connections.models import Connection
from lineage.datasets.users import User

MOST_BOXES: Final = 3
# Height of a box, and of a box with the gap below it, in pixels: as pages/dataset.css has them.
BOX: Final = 44
PITCH: Final = 50
WIDTH: Final = 40


@dataclass(frozen=True, slots=True)
class Box:
    user: User
    connection: Connection


@dataclass(frozen=True, slots=True)
class Line:
    """Line from a box to the dataset. `is_earlier`: dotted, because the latest round does not have it."""

    path: str
    is_earlier: bool


@dataclass(frozen=True, slots=True)
class Side:
    """Writers or readers. `current`, `earlier`: how many there are."""

    boxes: list[Box]
    lines: list[Line]
    height: int
    current: int
    earlier: int

    @property
    def total(self) -> int:
        return self.current + self.earlier


def side_of(users: Sequence[User], connections: Mapping[UUID, Connection], *, is_left: bool) -> Side:
    """Lay out one side. `users`: in the order in which they are shown."""
    boxes = [
        Box(user, connections[user.job.connection_id])
        for user in users[:MOST_BOXES]
        if user.job.connection_id in connections
    ]
    height = max(len(boxes), 1) * PITCH - (PITCH - BOX)
    current = sum(user.is_current for user in users)
    return Side(
        boxes=boxes,
        lines=[
            Line(_path(place * PITCH + BOX / 2, height / 2, is_left=is_left), not box.user.is_current)
            for place, box in enumerate(boxes)
        ],
        height=height,
        current=current,
        earlier=len(users) - current,
    )


def _path(box: float, middle: float, *, is_left: bool) -> str:
    start, end = (0, WIDTH) if is_left else (WIDTH, 0)
    return f"M{start} {box:g}C{WIDTH / 2:g} {box:g} {WIDTH / 2:g} {middle:g} {end} {middle:g}"
