"""Submissions that need a locked row are held back until it is free, or until their sender has waited long enough."""

from collections.abc import Iterable

import pytest

from lineage.digest.locked_rows import RowKey, rows_needed_by
from lineage.intake.group.held import HOLD_SECONDS, Held
from tests.lineage.build import run_event
from tests.lineage.conftest import Sender, make_sender

pytestmark = pytest.mark.django_db
A_MOMENT = 0.2


class Waiting:
    """A submission of one event, about a job and a run of that name."""

    def __init__(self, sender: Sender, name: str, *, job: str = "") -> None:
        self.submission = sender.submission([run_event(job=job or name, run=name)])
        self.rows = rows_needed_by(self.submission)

    @property
    def part(self) -> "Waiting":
        """The whole of it."""
        return self


class World:
    """Clock and locked rows. Time passes only as a test says."""

    def __init__(self) -> None:
        self.now = 0.0
        self.locked: frozenset[RowKey] = frozenset()
        self.held: Held[Waiting] = Held(self.find_locked, monotonic=lambda: self.now)

    def find_locked(self, keys: Iterable[RowKey]) -> frozenset[RowKey]:
        return frozenset(keys) & self.locked


@pytest.fixture
def sender() -> Sender:
    return make_sender()


@pytest.fixture
def world() -> World:
    return World()


def test_submissions_that_need_a_locked_row_are_taken(world: World, sender: Sender) -> None:
    first, second, other = Waiting(sender, "a", job="j"), Waiting(sender, "b", job="j"), Waiting(sender, "c")
    assert not world.held.takes(first)
    world.locked = first.rows & second.rows
    assert len(world.locked) == 1
    world.held.add(first, world.locked)
    assert world.held.takes(second)
    assert not world.held.takes(other)
    assert len(world.held) == 2


def test_they_are_freed_when_their_own_rows_are(world: World, sender: Sender) -> None:
    first, second = Waiting(sender, "a"), Waiting(sender, "b")
    world.locked = first.rows | second.rows
    world.held.add(first, first.rows)
    world.held.add(second, second.rows)
    world.now += A_MOMENT
    assert world.held.freed() == []
    world.locked = second.rows
    assert world.held.freed() == []  # it looks now and then, and not at each turn
    world.now += A_MOMENT
    assert world.held.freed() == [first]
    assert not world.held.takes(first)
    world.locked = frozenset()
    world.now += A_MOMENT
    assert world.held.freed() == [second]
    assert world.held.seconds_to_next_look() is None


def test_they_are_given_up_in_time_for_an_answer(world: World, sender: Sender) -> None:
    early, late = Waiting(sender, "a"), Waiting(sender, "b")
    world.locked = early.rows | late.rows
    world.held.add(early, early.rows)
    world.now += 1
    world.held.add(late, late.rows)
    assert world.held.overdue() == []
    world.now = HOLD_SECONDS
    assert world.held.overdue() == [early]
    assert world.held.rest() == [late]
    assert len(world.held) == 0


def test_it_tells_when_to_look_again(world: World, sender: Sender) -> None:
    assert world.held.seconds_to_next_look() is None
    one = Waiting(sender, "a")
    world.held.add(one, one.rows)
    seconds = world.held.seconds_to_next_look()
    assert seconds is not None
    assert 0 < seconds <= A_MOMENT
    world.now += A_MOMENT
    assert world.held.seconds_to_next_look() == 0
