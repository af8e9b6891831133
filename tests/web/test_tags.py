"""Texts of times, durations and states."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from django.utils import timezone

from lineage.runs.times import exact_time, local
from web.templatetags.observatory import duration, exact, in_field, relative

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def render(text: str, **context: object) -> str:
    return Template("{% load observatory %}" + text).render(Context({"now": NOW, **context}))


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=1), "1 h ago"),
        (timedelta(hours=47), "47 h ago"),
        (timedelta(hours=48), "2 days ago"),
        (timedelta(days=29), "29 days ago"),
        (timedelta(days=30), "2026-01-31"),
        # A sender's clock that is ahead of ours.
        (timedelta(seconds=-30), "just now"),
        (timedelta(minutes=-5), "in 5 min"),
    ],
)
def test_relative_time(age: timedelta, words: str) -> None:
    assert relative(NOW - age, now=NOW) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "\N{EN DASH}"),
        (timedelta(0), "0 ms"),
        (timedelta(milliseconds=340), "340 ms"),
        (timedelta(seconds=4.26), "4.2 s"),
        (timedelta(seconds=59.99), "59.9 s"),
        (timedelta(minutes=3, seconds=20), "3 min 20 s"),
        (timedelta(minutes=3), "3 min"),
        (timedelta(hours=2, minutes=5, seconds=9), "2 h 5 min"),
        (timedelta(days=3, minutes=5), "3 d"),
    ],
)
def test_duration(value: timedelta | None, words: str) -> None:
    assert duration(value) == words


@pytest.mark.parametrize(
    ("zone", "html"),
    [
        ("UTC", ">2026-03-02 12:03:11 UTC<"),
        ("Europe/Berlin", ' title="2026-03-02 12:03:11 UTC">2026-03-02 13:03:11 +01:00<'),
        ("Asia/Calcutta", ' title="2026-03-02 12:03:11 UTC">2026-03-02 17:33:11 +05:30<'),
    ],
)
def test_exact_times_are_in_the_zone_of_the_reader_with_utc_beside(zone: str, html: str) -> None:
    at = datetime(2026, 3, 2, 12, 3, 11, tzinfo=UTC)
    with timezone.override(zone):
        assert exact(at) == f'<time datetime="2026-03-02T12:03:11+00:00"{html}/time>'
        assert in_field(at) == in_field("2026-03-02T12:03:11Z") == f"{local(at):%Y-%m-%dT%H:%M:%S}"


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/New_York"])
def test_times_at_the_ends_of_time_are_in_utc(zone: str) -> None:
    with timezone.override(zone):
        shown = {exact_time(datetime.min.replace(tzinfo=UTC)), exact_time(datetime.max.replace(tzinfo=UTC))}
    assert shown & {"0001-01-01 00:00:00 UTC", "9999-12-31 23:59:59 UTC"}


def test_a_time_says_both() -> None:
    html = render("{% ago at %}", at=NOW - timedelta(minutes=5))
    assert '<time datetime="2026-03-02T11:55:00+00:00">5 min ago</time>' in html
    assert "2026-03-02 11:55:00 UTC" in html
    assert 'tabindex="0"' in html


@pytest.mark.parametrize(
    ("state", "words"),
    [("FAILED", "Failed"), ("RUNNING", "Running"), ("UNKNOWN", "Unknown"), (None, "No run yet"), ("", "No run yet")],
)
def test_a_state_is_icon_words_and_colour(state: str | None, words: str) -> None:
    html = render("{% run_state state %}", state=state)
    assert "<svg" in html
    assert f"</svg>{words}</span>" in html
    assert "state-" in html
