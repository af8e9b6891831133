"""Connections that wait for a lock which shows in no row are set apart, and tried now and then, a few events at a
time."""

from uuid import UUID

import pytest

from lineage.intake.group.blocked import AT_ONCE, Blocked
from lineage.intake.group.waiting import COMMIT_SECONDS

A, B = UUID(int=1), UUID(int=2)


class Waiting:
    def __init__(self, connection_id: UUID) -> None:
        self.connection_id = connection_id


class World:
    """A clock that a test sets, and what is set apart by it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.blocked: Blocked[Waiting] = Blocked(monotonic=lambda: self.now)


@pytest.fixture
def world() -> World:
    return World()


def test_all_of_its_connection_are_set_apart(world: World) -> None:
    assert not world.blocked.takes(Waiting(A))
    world.blocked.add(Waiting(A))
    assert world.blocked.takes(Waiting(A))
    assert not world.blocked.takes(Waiting(B))
    assert len(world.blocked) == 2


def test_a_connection_is_free_when_all_of_it_were_committed(world: World) -> None:
    waiting = [Waiting(A) for _ in range(AT_ONCE * 3 + 2)]
    for one in waiting:
        world.blocked.add(one)
    assert world.blocked.seconds_to_next_try() == 0
    first = world.blocked.to_try()
    assert first == waiting[:AT_ONCE]
    world.blocked.tried(first, 0.0)
    # They could be committed: so twice as many are tried at once.
    second = world.blocked.to_try()
    assert second == waiting[AT_ONCE : AT_ONCE * 3]
    world.blocked.put_back(second[2:])
    world.blocked.tried(second[:2], 0.0)
    third = world.blocked.to_try()
    assert third == waiting[AT_ONCE + 2 :]
    world.blocked.tried(third, 0.0)
    assert world.blocked.seconds_to_next_try() is None
    assert not world.blocked.takes(Waiting(A))


def test_a_connection_rests_after_its_turn_and_others_are_tried(world: World) -> None:
    one, other = Waiting(A), Waiting(B)
    world.blocked.add(one)
    world.now += 0.01
    world.blocked.add(other)
    assert world.blocked.to_try() == [one]
    world.blocked.add(one)  # it has to wait again
    world.blocked.tried([one], 0.1)
    assert world.blocked.to_try() == [other]
    world.blocked.tried([other], 0.1)
    assert world.blocked.to_try() == []
    rest = world.blocked.seconds_to_next_try()
    assert rest is not None
    assert rest > 0.1
    world.now += rest
    assert world.blocked.to_try() == [one]


def test_nothing_is_held_for_senders_that_were_given_up_however_often_it_was_tried(world: World) -> None:
    early, late = Waiting(A), Waiting(A)
    world.blocked.add(early)
    world.now = 1.0
    world.blocked.add(late)
    assert world.blocked.to_try() == [early, late]
    for one in (early, late):
        world.blocked.add(one)
    world.blocked.tried([early, late], 0.1)
    assert world.blocked.overdue() == []
    world.now = COMMIT_SECONDS
    assert world.blocked.overdue() == [early]
    assert world.blocked.rest() == [late]
    assert world.blocked.seconds_to_next_try() is None
