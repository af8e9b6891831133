"""Chart of the durations of a job's runs: a mark for each run over time, the median and the p95."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from web.components.charts.scales import (
    Linear,
    Tick,
    duration_label,
    duration_ticks,
    time_labels,
    time_ticks,
)

_SECOND = timedelta(seconds=1)
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 16, 26
# Between the outermost marks and the ends of the axis.
_INSET = 8


@dataclass(frozen=True, slots=True)
class Point:
    """A run. `duration` None: not known; it is drawn at the foot of the chart."""

    at: datetime
    duration: timedelta | None
    state: str
    title: str
    # Where a click on it leads.
    url: str


@dataclass(frozen=True, slots=True)
class Mark:
    x: float
    y: float
    # In lower case: which shape, and which colour.
    state: str
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Band:
    """The part of the chart between the median and the p95."""

    top: float
    median: float
    height: float


@dataclass(frozen=True, slots=True)
class DurationChart:
    """Coordinates of an SVG of this size; the plot lies between `left`, `right`, `top` and `base`."""

    width: int
    height: int
    left: int
    right: int
    top: int
    base: int
    marks: list[Mark]
    durations: list[Tick]
    times: list[Tick]
    band: Band | None

    @property
    def plot_width(self) -> int:
        return self.right - self.left


def duration_chart(
    points: Sequence[Point],
    *,
    median: timedelta | None,
    p95: timedelta | None,
    width: int,
    height: int,
    most_times: int,
) -> DurationChart | None:
    """Lay out the chart. None without a point of which the duration is known."""
    if all(point.duration is None for point in points):
        return None
    right, base = width - _RIGHT, height - _BOTTOM
    lengths = [duration / _SECOND for duration in (*(p.duration for p in points), p95) if duration is not None]
    ticks = duration_ticks(max(lengths, default=0) or 1, most=4)
    y = Linear(0, ticks[-1], base, _TOP)
    first, last = min(p.at for p in points), max(p.at for p in points)
    x = Linear(first.timestamp(), last.timestamp(), _LEFT + _INSET, right - _INSET)
    times = time_ticks(first, last, most=most_times)
    return DurationChart(
        width=width,
        height=height,
        left=_LEFT,
        right=right,
        top=_TOP,
        base=base,
        marks=[
            Mark(x(p.at.timestamp()), y((p.duration or 0 * _SECOND) / _SECOND), p.state.lower(), p.title, p.url)
            for p in sorted(points, key=lambda p: p.at)
        ],
        durations=[Tick(y(tick), duration_label(tick)) for tick in ticks],
        times=[Tick(x(at.timestamp()), label) for at, label in zip(times, time_labels(times), strict=True)],
        band=_band(y, median, p95),
    )


def _band(y: Linear, median: timedelta | None, p95: timedelta | None) -> Band | None:
    if median is None or p95 is None:
        return None
    top, line = y(p95 / _SECOND), y(median / _SECOND)
    return Band(top=top, median=line, height=round(line - top, 1))
