"""A connection is called silent when it is silent for longer than it usually is."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from connections.models import Connection
from lineage.models import Run
from lineage.overview.rhythm import WATCHED, silent_after, usual_pause
from lineage.overview.summaries import connection_summary
from tests.lineage.overview.test_summaries import NOW, make_activity, make_connection, make_key
from tests.lineage.settling import save_runs

HOUR = timedelta(hours=1)


def every(interval: timedelta, *, of: timedelta = timedelta(days=14), until: datetime = NOW) -> list[datetime]:
    return [until - interval * number for number in range(of // interval, -1, -1)]


def on_weekdays(hour: int, *, of: timedelta, until: datetime) -> list[datetime]:
    """Return the hours with runs of a pipeline that rests on Saturdays and Sundays, as far as they are examined."""
    daily = every(24 * HOUR, of=of, until=until.replace(hour=hour, minute=0))
    return [at for at in daily if at.isoweekday() < 6 and until - WATCHED <= at <= until]


def make_runs(connection: Connection, times: Iterable[datetime], terminal_type: str = "COMPLETE") -> None:
    save_runs(
        Run(
            connection=connection,
            id=uuid.uuid4(),
            external_id="run",
            job_id=uuid.uuid4(),
            active=True,
            terminal_type=terminal_type,
            started_at=at,
            ended_at=at,
            first_event_at=at,
            last_event_at=at,
            event_count=2,
        )
        for at in times
    )


@pytest.mark.parametrize(
    ("hours", "pause"),
    [
        (every(HOUR), HOUR),
        (every(24 * HOUR), 24 * HOUR),
        (every(7 * 24 * HOUR), 7 * 24 * HOUR),
        # Monday, 2 March: Saturdays and Sundays are free.
        ([at for at in every(24 * HOUR) if at.isoweekday() < 6], 72 * HOUR),
        # One outage is no habit.
        ([at for at in every(HOUR) if not 50 * HOUR < NOW - at < 90 * HOUR], HOUR),
    ],
    ids=["hourly", "daily", "weekly", "on weekdays", "hourly, with an outage"],
)
def test_the_longest_usual_pause(hours: list[datetime], pause: timedelta) -> None:
    assert usual_pause(hours) == pause


@pytest.mark.parametrize("day", range(2, 9), ids=["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
@pytest.mark.parametrize("runs_at", [2, 9, 23])
@pytest.mark.parametrize("known", [timedelta(weeks=2), timedelta(weeks=3), timedelta(weeks=9)], ids=str)
def test_weekends_are_usual_on_each_day_of_the_week(day: int, runs_at: int, known: timedelta) -> None:
    """The result holds in every hour of the day."""
    for hour in range(24):
        now = datetime(2026, 3, day, hour, 30, tzinfo=UTC)
        hours = on_weekdays(runs_at, of=known, until=now)
        assert now - hours[-1] < silent_after(usual_pause(hours)), now


@pytest.mark.parametrize("weeks", [3, 9])
def test_an_outage_beside_weekends_is_no_habit(weeks: int) -> None:
    """Seen from a Sunday, when the fewest weekends are over."""
    sunday = datetime(2026, 3, 8, 12, 30, tzinfo=UTC)
    hours = on_weekdays(2, of=timedelta(weeks=weeks), until=sunday)
    outage = [at for at in hours if not timedelta(days=9) < sunday - at < timedelta(days=12)]
    assert len(outage) == len(hours) - 3
    assert usual_pause(outage) == 72 * HOUR


@pytest.mark.parametrize("hours", [[], [NOW], every(HOUR, of=timedelta(days=2))], ids=["none", "one", "two days"])
def test_too_little_is_known_of_a_new_connection(hours: list[datetime]) -> None:
    assert usual_pause(hours) is None


def test_silence_is_longer_than_a_pause_and_never_short() -> None:
    assert silent_after(24 * HOUR) == timedelta(hours=31)
    assert silent_after(HOUR) == timedelta(hours=3)
    assert silent_after(None) == timedelta(hours=26)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("interval", "silence", "reason"),
    [
        (HOUR, timedelta(hours=2, minutes=50), ""),
        (HOUR, timedelta(hours=4), "Silent for 4 h, usually 1 h at most"),
        (24 * HOUR, timedelta(hours=30), ""),
        (24 * HOUR, timedelta(hours=32), "Silent for 32 h, usually 24 h at most"),
        (72 * HOUR, timedelta(days=3), ""),
        (72 * HOUR, timedelta(days=4), "Silent for 4 days, usually 3 days at most"),
    ],
)
def test_the_reason_says_what_is_usual(interval: timedelta, silence: timedelta, reason: str) -> None:
    connection = make_connection()
    make_key(connection, last_used_at=NOW)
    make_activity(connection, NOW - silence)
    make_runs(connection, every(interval, until=NOW - silence, of=timedelta(days=10)))
    assert connection_summary(connection, now=NOW).reason == reason


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (datetime(2026, 3, 7, 9, 30, tzinfo=UTC), ""),
        (datetime(2026, 3, 9, 1, 30, tzinfo=UTC), ""),
        (datetime(2026, 3, 9, 22, 0, tzinfo=UTC), "Silent for 3 days, usually 3 days at most"),
    ],
    ids=["Saturday", "Monday, before it runs", "Monday, it did not run"],
)
def test_a_pipeline_that_rests_at_weekends(now: datetime, reason: str) -> None:
    friday = datetime(2026, 3, 6, 2, 0, tzinfo=UTC)
    connection = make_connection()
    make_key(connection, last_used_at=friday)
    make_activity(connection, friday)
    make_runs(connection, [at for at in every(24 * HOUR, of=timedelta(weeks=9), until=friday) if at.isoweekday() < 6])
    assert connection_summary(connection, now=now).reason == reason
