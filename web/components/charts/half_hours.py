"""Chart of a day in half hours: how many runs failed or were lost in each, and where problems began. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lineage.now.reading import HalfHour
from web.components.charts.scales import Tick, count_ticks

HALF_HOURS: Final = 48
_SECONDS: Final = 1800
_LEFT: Final = 30
# Above the plot is room for a pin, below it for the hours.
_TOP, _BOTTOM = 22, 22
_PIN: Final = 11


@dataclass(frozen=True, slots=True)
class Bar:
    """Half hour. `failed_height`: 0 without failures. Lost runs stand on failed ones."""

    x: float
    failed_y: float
    failed_height: float
    lost_y: float
    lost_height: float
    title: str


@dataclass(frozen=True, slots=True)
class Pin:
    """Number of a row whose problem began in a half hour; `label` has a plus if several did."""

    x: float
    y: float
    label: str


@dataclass(frozen=True, slots=True)
class HalfHourChart:
    width: int
    height: int
    left: int
    base: int
    bar_width: float
    bars: list[Bar]
    pins: list[Pin]
    counts: list[Tick]
    hours: list[Tick]


def half_hour_of(at: datetime) -> int:
    """Return the number of the half hour since 1970."""
    return int(at.timestamp() // _SECONDS)


def half_hour_chart(
    counts: Iterable[HalfHour],
    began: Mapping[int, datetime],
    *,
    now: datetime,
    width: int,
    height: int,
    most_hours: int,
) -> HalfHourChart:
    """Lay out the chart of the HALF_HOURS up to now, with hours in the time zone of `now`. `began`: number of a row →
    when its problem began."""
    last = half_hour_of(now)
    first = last - HALF_HOURS + 1
    shown = [count for count in counts if first <= count.number <= last]
    base, step = height - _BOTTOM, (width - _LEFT) / HALF_HOURS
    ticks = count_ticks(0, max((one.failed + one.lost for one in shown), default=1), most=2)
    unit = (base - _TOP) / ticks[-1]
    times = {number: datetime.fromtimestamp(number * _SECONDS, tz=now.tzinfo) for number in range(first, last + 1)}
    hours = {number: f"{at:%H:%M}" for number, at in times.items()}
    bars = [_bar(one, hours[one.number], x=_LEFT + (one.number - first) * step, base=base, unit=unit) for one in shown]
    tops = {one.number: base - (one.failed + one.lost) * unit for one in shown}
    return HalfHourChart(
        width=width,
        height=height,
        left=_LEFT,
        base=base,
        bar_width=round(step * 0.72, 1),
        bars=bars,
        pins=[
            Pin(round(_LEFT + (number - first + 0.36) * step, 1), round(tops.get(number, base) - _PIN, 1), label)
            for number, label in _labels(began)
            if first <= number <= last
        ],
        counts=[Tick(round(base - tick * unit, 1), f"{tick:g}") for tick in ticks],
        hours=_ticks(hours, step, most_hours),
    )


def _bar(count: HalfHour, hour: str, *, x: float, base: float, unit: float) -> Bar:
    failed, lost = round(count.failed * unit, 1), round(count.lost * unit, 1)
    title = f"{hour}: {count.failed} failed" + (f", {count.lost} lost" if count.lost else "")
    return Bar(round(x, 1), round(base - failed, 1), failed, round(base - failed - lost, 1), lost, title)


def _labels(began: Mapping[int, datetime]) -> Iterable[tuple[int, str]]:
    """Yield each half hour in which problems began, with the least of their numbers."""
    numbers: dict[int, list[int]] = {}
    for number, at in began.items():
        numbers.setdefault(half_hour_of(at), []).append(number)
    for half_hour, of in sorted(numbers.items()):
        yield half_hour, f"{min(of)}{'+' if len(of) > 1 else ''}"


def _ticks(hours: Mapping[int, str], step: float, most: int) -> list[Tick]:
    """Mark every few hours of the clock, of which days begin with one. `hours`: half hour → where the clock stands."""
    every = -(-HALF_HOURS // most // 2)
    ticks = []
    # The last one would stand beyond the edge.
    for place, hour in enumerate(list(hours.values())[:-2]):
        # Clocks that differ from UTC by three quarters of an hour stand at :15 and :45 then.
        if int(hour[:2]) % every == 0 and int(hour[3:]) < 30:
            ticks.append(Tick(round(_LEFT + place * step, 1), hour))
    return ticks
