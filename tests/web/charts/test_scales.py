"""Axes name round values, few of them, and none outside."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from web.components.charts.scales import (
    Linear,
    duration_label,
    duration_ticks,
    time_labels,
    time_ticks,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@pytest.mark.parametrize(
    ("longest", "labels"),
    [
        (0.0031, ["0", "1 ms", "2 ms", "3 ms", "4 ms"]),
        (0.9, ["0", "500 ms", "1 s"]),
        (3.2, ["0", "1 s", "2 s", "3 s", "4 s"]),
        (47, ["0", "15 s", "30 s", "45 s", "1 min"]),
        (60, ["0", "15 s", "30 s", "45 s", "1 min"]),
        (200, ["0", "1 min", "2 min", "3 min", "4 min"]),
        (4000, ["0", "30 min", "1 h", "90 min"]),
        (3 * 86400, ["0", "1 d", "2 d", "3 d"]),
    ],
)
def test_durations(longest: float, labels: list[str]) -> None:
    assert [duration_label(tick) for tick in duration_ticks(longest, most=4)] == labels


@given(longest=st.floats(1e-4, 1e12), most=st.integers(2, 8))
@example(longest=0.025, most=5)
def test_ticks_of_any_duration_reach_it_and_are_few(longest: float, most: int) -> None:
    ticks = duration_ticks(longest, most=most)
    assert ticks[0] == 0
    assert ticks[-1] >= longest
    assert 2 <= len(ticks) <= most + 1


@pytest.mark.parametrize(
    ("span", "labels"),
    [
        (timedelta(minutes=50), ["2 Mar 12:00", "12:15", "12:30", "12:45"]),
        (timedelta(hours=30), ["2 Mar 12:00", "3 Mar", "12:00"]),
        (timedelta(days=4), ["3 Mar", "4 Mar", "5 Mar", "6 Mar"]),
        (timedelta(days=20), ["9 Mar", "16 Mar"]),
        (timedelta(0), ["2 Mar 12:00"]),
    ],
)
def test_times(span: timedelta, labels: list[str]) -> None:
    ticks = time_ticks(NOON, NOON + span, most=5)
    assert time_labels(ticks) == labels


def test_days_begin_at_midnight_of_the_clock_also_where_it_is_put_forward() -> None:
    first = datetime(2026, 3, 28, 9, tzinfo=ZoneInfo("Europe/Berlin"))
    ticks = time_ticks(first, first + timedelta(days=3), most=5)
    assert time_labels(ticks) == ["29 Mar", "30 Mar", "31 Mar"]
    assert [tick.astimezone(UTC).hour for tick in ticks] == [23, 22, 22]
    # And the hour that is there twice.
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC).astimezone(ZoneInfo("Europe/Berlin"))
    assert time_ticks(first, (first.astimezone(UTC) + timedelta(minutes=50)).astimezone(first.tzinfo), most=5) == [
        first
    ]


@given(moments=st.tuples(MOMENTS, MOMENTS), most=st.integers(2, 8))
def test_ticks_of_any_span_lie_in_it_and_are_few(moments: tuple[datetime, datetime], most: int) -> None:
    first, last = sorted(moments)
    ticks = time_ticks(first, last, most=most)
    assert len(ticks) <= most
    assert ticks == sorted(set(ticks))
    assert all(first <= tick <= last for tick in ticks)


def test_a_scale() -> None:
    scale = Linear(0, 10, 100, 0)
    assert [scale(value) for value in (0, 5, 10)] == [100, 50, 0]
    assert Linear(3, 3, 0, 100)(3) == 50
