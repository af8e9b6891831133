"""Scales that map values to coordinates, and the round values that an axis names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
# Steps between the ticks of an axis of durations, in seconds: each is a round number of the unit that one says.
_DURATION_STEPS = (
    *(base * 10.0**exponent for exponent in (-3, -2, -1, 0) for base in (1, 2, 5)),
    *(n * 1.0 for n in (10, 15, 30)),
    *(n * _MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12)),
    *(n * _DAY for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
)
_TIME_STEPS = (
    *(n * _MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12)),
    *(n * _DAY for n in (1, 2, 7, 14, 28, 91, 182, 364)),
)


@dataclass(frozen=True, slots=True)
class Linear:
    """Maps `low` … `high` onto `start` … `end`. Where both values are one, everything lies in the middle."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        if self.high == self.low:
            return round((self.start + self.end) / 2, 1)
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


@dataclass(frozen=True, slots=True)
class Tick:
    position: float
    label: str


def count_ticks(low: float, high: float, *, most: int) -> list[float]:
    """Round numbers from at most `low` to at least `high`: `most + 2` at most. Where both are one, from 0 on."""
    if high <= low:
        low, high = 0.0, max(high, 1.0)
    step = 1.0
    while step * most < high - low:
        # 1, 2, 5, 10, 20, 50 …
        step *= 2.5 if str(step).startswith("2") else 2
    first, last = int(low // step), int(-(-high // step))
    return [step * n for n in range(first, last + 1)]


def compact(number: float) -> str:
    """`0`, `950`, `41.4 k`, `1.2 M`, `3 G`: three digits at most."""
    for unit, name in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= unit * 0.9995:
            value = number / unit
            return f"{value:.0f} {name}" if abs(value) >= 99.95 else f"{round(value, 1):g} {name}"
    return f"{number:g}"


def duration_ticks(longest: float, *, most: int) -> list[float]:
    """Round durations from 0 on, in seconds: at most `most + 1`, the last not below `longest`, which is above 0."""
    step = next((step for step in _DURATION_STEPS if step * most >= longest), 0.0)
    if not step:
        # Beyond all steps: years.
        step = _DAY * 1000 * (int(longest / (_DAY * 1000 * most)) + 1)
    # 0.025 // 0.005 is 4: rounding may find one more than there is room for.
    count = min(int(-(-longest // step)), most)
    return [step * n for n in range(count + 1)]


def duration_label(seconds: float) -> str:
    """`0`, `500 ms`, `5 s`, `90 s`, `15 min`, `2 h`, `3 d`: the one unit in which it is a whole number."""
    if seconds == 0:
        return "0"
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (1.0, "s")):
        if seconds >= unit and seconds % unit == 0:
            return f"{seconds / unit:g} {name}"
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"


def time_ticks(first: datetime, last: datetime, *, most: int) -> list[datetime]:
    """Round times between the two, at most `most`, by the clock of their time zone: whole minutes, hours, days, weeks
    that begin on Monday. Where they are one time, that."""
    epoch, zone = datetime(1970, 1, 1), first.tzinfo  # noqa: DTZ001 - the clock's time
    low, high = ((at.astimezone(zone).replace(tzinfo=None) - epoch) / timedelta(seconds=1) for at in (first, last))
    # Less, too, if the clock was put back between them.
    if high <= low:
        return [first]
    step = next((step for step in _TIME_STEPS if (high - low) / step < most), _TIME_STEPS[-1] * most)
    # The epoch was a Thursday.
    origin = 4 * _DAY if step >= 7 * _DAY else 0.0
    start = int(-(-(low - origin) // step)) * step + origin
    ticks: list[datetime] = []
    while start <= high and len(ticks) < most:
        ticks.append((epoch + timedelta(seconds=start)).replace(tzinfo=zone))
        start += step
    return ticks


def time_labels(times: Sequence[datetime]) -> list[str]:
    """`2 Mar`; among hours `14:00`, save for the first and for midnight, which say the day: `2 Mar 13:00`."""
    of_hours = any(at.hour or at.minute for at in times)
    return [_time_label(at, of_hours=of_hours, is_first=at is times[0]) for at in times]


def _time_label(at: datetime, *, of_hours: bool, is_first: bool) -> str:
    day, hour = f"{at.day} {at:%b}", f"{at:%H:%M}"
    if not of_hours or hour == "00:00":
        return day
    return f"{day} {hour}" if is_first else hour
