"""Pace lets through a limited number of calls in each stretch of time."""

from datetime import timedelta

import pytest

from connections.pacing import LatelySeen, Pace
from tests.connections.conftest import NOW


def test_each_key_has_its_own_count_in_each_stretch() -> None:
    pace = Pace(count=2, per=timedelta(seconds=1))
    answers = [pace.allows("a", NOW + timedelta(seconds=s)) for s in (0, 0.5, 0.9, 1, 1.1, 1.2)]
    assert answers == [True, True, False, True, True, False]
    assert pace.allows("b", NOW + timedelta(seconds=0.9))


def test_a_clock_that_was_set_back_stops_nothing() -> None:
    pace = Pace(count=1, per=timedelta(minutes=1))
    assert pace.allows("a", NOW)
    assert pace.allows("a", NOW - timedelta(hours=1))
    assert not pace.allows("a", NOW - timedelta(hours=1))


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "_SIZE", 2)
    pace = Pace(count=1, per=timedelta(minutes=1))
    assert all(pace.allows(key, NOW) for key in "abc")
    assert len(pace._stretches) == 2
    assert not pace.allows("c", NOW)
    assert pace.allows("a", NOW)


def test_what_was_seen_longest_ago_is_forgotten() -> None:
    seen: LatelySeen[str] = LatelySeen(size=2)
    for item in "abac":
        seen.add(item)
    assert [item in seen for item in "abc"] == [True, False, True]
    seen.discard("a")
    seen.discard("z")
    assert [item in seen for item in "abc"] == [False, False, True]
