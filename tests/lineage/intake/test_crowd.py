"""Requests that come together are committed together, and nobody waits for those who do not come."""

from itertools import count

import pytest

from lineage.intake.group.crowd import LINGER, Crowd


class Clock:
    """Time that passes only while somebody sleeps, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def looks_until_enough(crowd: Crowd) -> int:
    """Count the requests that wait when the crowd is taken, if one more comes between two looks."""
    seen = []
    arrivals = count(1)

    def waiting() -> int:
        seen.append(next(arrivals))
        return seen[-1]

    crowd.gather(waiting)
    return seen[-1] if seen else 1


def crowd_of(size: int, clock: Clock | None = None) -> Crowd:
    clock = clock or Clock()
    crowd = Crowd(monotonic=clock, sleep=clock.sleep)
    for _ in range(20):
        crowd.note(size, 0)
    return crowd


@pytest.mark.parametrize("crowd", [Crowd(), crowd_of(1), crowd_of(2)], ids=["unknown", "one", "two"])
def test_who_is_almost_alone_is_taken_at_once(crowd: Crowd) -> None:
    assert looks_until_enough(crowd) == 1


def test_most_of_those_who_came_together_are_taken_together() -> None:
    assert looks_until_enough(crowd_of(10)) == 8


def test_nobody_waits_longer_for_those_who_do_not_come() -> None:
    clock = Clock()
    crowd_of(10, clock).gather(lambda: 1)
    assert LINGER <= clock.now < 2 * LINGER


def test_the_crowd_is_forgotten_when_it_is_gone() -> None:
    crowd = crowd_of(32)
    for _ in range(6):
        crowd.note(1, 0)
    assert looks_until_enough(crowd) == 1


def test_a_turn_that_holds_many_begins() -> None:
    crowd = crowd_of(1000)
    looks = 0

    def look() -> int:
        nonlocal looks
        looks += 1
        return 64

    crowd.gather(look)
    assert looks == 1
