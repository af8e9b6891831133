"""A day in half hours: bars stand at their time, lost runs on failed ones, pins above them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from lineage.now.reading import HalfHour
from web.components.charts.half_hours import HalfHourChart, half_hour_chart, half_hour_of

NOW = datetime(2026, 3, 2, 12, 10, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)


def chart(*counts: HalfHour, began: dict[int, datetime] | None = None) -> HalfHourChart:
    return half_hour_chart(counts, began or {}, now=NOW, width=960, height=120, most_hours=8)


def test_bars() -> None:
    last = half_hour_of(NOW)
    made = chart(HalfHour(last - 47, 4, 0), HalfHour(last, 2, 1), HalfHour(last - 48, 9, 9))
    first, newest = made.bars
    assert first.title == "12:30: 4 failed"
    assert newest.title == "12:00: 2 failed, 1 lost"
    assert made.left == first.x < newest.x < newest.x + made.bar_width <= made.width
    assert first.failed_height == 2 * newest.failed_height
    assert newest.lost_y + newest.lost_height == newest.failed_y
    assert newest.failed_y + newest.failed_height == made.base
    assert [tick.label for tick in made.hours][:2] == ["15:00", "18:00"]


def test_hours_are_those_of_the_readers_clock() -> None:
    def labels(zone: str) -> list[str]:
        now = NOW.astimezone(ZoneInfo(zone))
        made = half_hour_chart([], {}, now=now, width=960, height=120, most_hours=8)
        return [tick.label for tick in made.hours]

    # 12:10 UTC is 13:10 in Berlin, 17:40 in Kolkata and 17:55 in Kathmandu.
    assert labels("Europe/Berlin") == ["15:00", "18:00", "21:00", "00:00", "03:00", "06:00", "09:00", "12:00"]
    assert labels("Asia/Kolkata") == ["18:00", "21:00", "00:00", "03:00", "06:00", "09:00", "12:00", "15:00"]
    assert labels("Asia/Kathmandu")[:3] == ["18:15", "21:15", "00:15"]


def test_pins_stand_above_the_bar_and_share_a_half_hour() -> None:
    last = half_hour_of(NOW)
    made = chart(HalfHour(last, 2, 0), began={1: NOW, 2: NOW - 4 * HALF_HOUR, 3: NOW, 4: NOW - 60 * HALF_HOUR})
    earlier, newest = made.pins
    assert (earlier.label, newest.label) == ("2", "1+")
    assert newest.y < made.bars[0].failed_y
    assert earlier.y < made.base


def test_a_day_without_failures() -> None:
    made = chart()
    assert made.bars == []
    assert [tick.label for tick in made.counts] == ["0", "1"]
