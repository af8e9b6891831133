"""A mark for each run, at its time and height; the median and the p95 where they are known."""

from datetime import UTC, datetime, timedelta
from typing import Any

from web.components.charts.durations import DurationChart, Point, duration_chart

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def point(hours: float, minutes: float | None, state: str = "COMPLETED") -> Point:
    duration = None if minutes is None else minutes * MINUTE
    return Point(NOON + timedelta(hours=hours), duration, state, title=f"after {hours} h", url=f"/{hours}")


def chart(*points: Point, **fields: Any) -> DurationChart:
    options = {"median": None, "p95": None, "width": 960, "height": 220, "most_times": 6, **fields}
    made = duration_chart(points, **options)
    assert made
    return made


def test_marks_stand_at_their_time_and_height() -> None:
    made = chart(point(2, 4, "FAILED"), point(0, 2), point(1, None, "UNKNOWN"))
    assert [mark.title for mark in made.marks] == ["after 0 h", "after 1 h", "after 2 h"]
    assert [mark.state for mark in made.marks] == ["completed", "unknown", "failed"]
    assert [mark.url for mark in made.marks] == ["/0", "/1", "/2"]
    first, middle, last = made.marks
    assert made.left < first.x < middle.x < last.x < made.right
    assert middle.x - first.x == last.x - middle.x
    assert last.y == made.top
    assert first.y == (made.top + made.base) / 2
    assert middle.y == made.base


def test_axes() -> None:
    made = chart(point(0, 2), point(2, 4))
    assert [tick.label for tick in made.durations] == ["0", "1 min", "2 min", "3 min", "4 min"]
    assert (made.durations[0].position, made.durations[-1].position) == (made.base, made.top)
    assert [tick.label for tick in made.times] == ["2 Mar 12:00", "12:30", "13:00", "13:30", "14:00"]


def test_the_band_lies_between_median_and_p95() -> None:
    made = chart(point(0, 1), point(1, 2), median=2 * MINUTE, p95=4 * MINUTE)
    assert made.band
    assert (made.band.top, made.band.median) == (made.top, (made.top + made.base) / 2)
    assert made.band.height == made.band.median - made.band.top
    assert chart(point(0, 1)).band is None


def test_without_any_duration_there_is_nothing_to_draw() -> None:
    none: dict[str, Any] = {"median": None, "p95": None, "width": 960, "height": 220, "most_times": 6}
    assert duration_chart([point(0, None, "LOST")], **none) is None
    assert duration_chart([], **none) is None


def test_a_single_run_stands_in_the_middle() -> None:
    [mark] = chart(point(0, 1)).marks
    assert 400 < mark.x < 600


def test_durations_of_zero_and_of_none() -> None:
    assert [mark.y for mark in chart(point(0, 0), point(1, None)).marks] == [194, 194]


def test_no_run_no_chart() -> None:
    assert duration_chart([], median=None, p95=None, width=1, height=1, most_times=1) is None
