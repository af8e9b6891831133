"""Bytes of bodies that a process holds: limits of the process and of each connection."""

from uuid import UUID

import pytest

from lineage.intake.answers import Rejection
from lineage.intake.group.budget import (
    ALWAYS_ADMITTED_BYTES,
    MAX_HELD_BYTES,
    MAX_HELD_BYTES_OF_CONNECTION,
    Budget,
    Share,
)

MIB = 1024 * 1024
ONE, TWO, THREE = UUID(int=1), UUID(int=2), UUID(int=3)


def test_a_connection_leaves_room_for_the_largest_body_of_another() -> None:
    budget = Budget()
    with Share(budget, ONE) as first, Share(budget, ONE) as more, Share(budget, TWO) as other:
        first.hold(MAX_HELD_BYTES_OF_CONNECTION)
        with pytest.raises(Rejection) as refused:
            more.hold(ALWAYS_ADMITTED_BYTES + 1)
        assert refused.value.status == 503
        other.hold(16 * MIB)
    assert budget.held == 0


def test_the_process_has_a_limit_for_all_connections() -> None:
    budget = Budget()
    with Share(budget, ONE) as first, Share(budget, TWO) as second, Share(budget, THREE) as third:
        first.hold(MAX_HELD_BYTES_OF_CONNECTION)
        second.hold(MAX_HELD_BYTES - MAX_HELD_BYTES_OF_CONNECTION)
        with pytest.raises(Rejection):
            third.hold(ALWAYS_ADMITTED_BYTES + 1)


def test_small_bodies_are_always_let_in() -> None:
    budget = Budget()
    with Share(budget, ONE) as large, Share(budget, ONE) as small:
        large.hold(MAX_HELD_BYTES_OF_CONNECTION)
        small.hold(ALWAYS_ADMITTED_BYTES)


def test_a_share_that_is_given_back_can_be_taken_again() -> None:
    budget = Budget()
    for _ in range(3):
        with Share(budget, ONE) as share:
            share.hold(1)
            share.hold(MAX_HELD_BYTES_OF_CONNECTION)
    assert budget.held == 0
