"""Chart of the rows of a dataset's writes: a mark for each write over time, and the usual range."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from web.components.charts.scales import Linear, Tick, compact, count_ticks, time_labels, time_ticks

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 16, 26
# Between the outermost marks and the ends of the axis.
_INSET = 8
# Width of a letter of the note, roughly.
_LETTER = 6.2


@dataclass(frozen=True, slots=True)
class RowPoint:
    """A write. `note`: what is unusual about it; empty: nothing. `url`: empty if its run is not stored any more."""

    at: datetime
    rows: int
    title: str
    url: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class RowMark:
    x: float
    y: float
    title: str
    url: str
    is_unusual: bool


@dataclass(frozen=True, slots=True)
class Note:
    """Words beside a mark. `anchor`: start or end, so that they stay inside the chart."""

    x: float
    y: float
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class RowBand:
    top: float
    height: float


@dataclass(frozen=True, slots=True)
class RowChart:
    """Coordinates of an SVG of this size; the plot lies between `left`, `right`, `top` and `base`. `line`: points as
    `polyline` has them. `note`: of the last unusual write."""

    width: int
    height: int
    left: int
    right: int
    base: int
    line: str
    marks: list[RowMark]
    counts: list[Tick]
    times: list[Tick]
    band: RowBand | None
    note: Note | None

    @property
    def plot_width(self) -> int:
        return self.right - self.left


def row_chart(
    points: Sequence[RowPoint], *, usual: tuple[float, float] | None, width: int, height: int, most_times: int
) -> RowChart | None:
    """Lay out the chart. `points`: the latest last. None for fewer than two."""
    if len(points) < 2:
        return None
    right, base = width - _RIGHT, height - _BOTTOM
    counts = [point.rows for point in points]
    ends = [*counts, *(usual or ())]
    ticks = count_ticks(min(ends), max(ends), most=4)
    y = Linear(ticks[0], ticks[-1], base, _TOP)
    first, last = points[0].at, points[-1].at
    x = Linear(first.timestamp(), last.timestamp(), _LEFT + _INSET, right - _INSET)
    times = time_ticks(first, last, most=most_times)
    marks = [RowMark(x(p.at.timestamp()), y(p.rows), p.title, p.url, bool(p.note)) for p in points]
    unusual = [(mark, point.note) for mark, point in zip(marks, points, strict=True) if point.note]
    return RowChart(
        width=width,
        height=height,
        left=_LEFT,
        right=right,
        base=base,
        line=" ".join(f"{mark.x},{mark.y}" for mark in marks),
        marks=marks,
        counts=[Tick(y(tick), compact(tick)) for tick in ticks],
        times=[Tick(x(at.timestamp()), label) for at, label in zip(times, time_labels(times), strict=True)],
        band=RowBand(y(usual[1]), round(y(usual[0]) - y(usual[1]), 1)) if usual else None,
        note=_note(*unusual[-1], right) if unusual else None,
    )


def _note(mark: RowMark, text: str, right: int) -> Note | None:
    """Place words beside a mark. None if there is room on neither side: its title has them, and the table."""
    length = _LETTER * len(text) + 10
    if mark.x + length <= right:
        return Note(mark.x + 10, mark.y + 4, "start", text)
    if mark.x - length >= _LEFT:
        return Note(mark.x - 10, mark.y + 4, "end", text)
    return None
