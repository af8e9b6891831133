"""A sender is given up only while nothing of its submission is being committed; what is given up is not committed."""

import time

import pytest

from lineage.intake.commit import Committed
from lineage.intake.group.waiting import COMMIT_SECONDS, LARGE_SECONDS, MAX_BYTES, MAX_EVENTS, MAX_ROWS, Waiting
from tests.lineage.build import dataset, run_event
from tests.lineage.conftest import Sender, make_sender

pytestmark = pytest.mark.django_db


@pytest.fixture
def sender() -> Sender:
    return make_sender()


def waiting_for(sender: Sender, *bodies: bytes) -> Waiting[None]:
    return Waiting(sender.submission(list(bodies)), sum(map(len, bodies)), None)


def later(seconds: float) -> float:
    return time.monotonic() + seconds


def test_who_was_given_up_is_not_committed(sender: Sender) -> None:
    waiting = waiting_for(sender, run_event())
    assert not waiting.give_up_overdue(later(0))
    assert waiting.give_up_overdue(later(COMMIT_SECONDS))
    assert not waiting.give_up_overdue(later(COMMIT_SECONDS))
    assert not waiting.begin()


def test_who_is_being_committed_is_not_given_up(sender: Sender) -> None:
    waiting = waiting_for(sender, run_event())
    waiting._deadline = later(0)
    assert waiting.begin()
    assert not waiting.give_up_overdue(later(0))
    # Its rows are locked.
    waiting.wait_on()
    assert waiting.give_up_overdue(later(0))


def test_a_transaction_that_hangs_is_not_waited_for(sender: Sender) -> None:
    waiting = waiting_for(sender, run_event())
    assert waiting.begin()
    assert waiting.give_up_overdue(later(COMMIT_SECONDS))


def test_a_large_transaction_may_take_longer_by_itself(sender: Sender) -> None:
    """The sender of 10,000 datasets waits for its end, and learns whether they are stored."""
    waiting = waiting_for(sender, run_event(inputs=[dataset(f"table-{number}") for number in range(MAX_ROWS + 1)]))
    assert waiting.begin()
    assert not waiting.give_up_overdue(later(COMMIT_SECONDS))
    assert waiting.give_up_overdue(later(LARGE_SECONDS))


def test_each_part_that_is_committed_gives_more_time(sender: Sender) -> None:
    waiting = waiting_for(sender, *(run_event(run=f"run-{number}") for number in range(MAX_EVENTS * 2)))
    waiting._deadline = later(0)
    assert waiting.begin()
    waiting.note(Committed(accepted=True, stored=waiting.part.events))
    assert not waiting.is_done
    assert not waiting.give_up_overdue(later(0))
    assert waiting.give_up_overdue(later(COMMIT_SECONDS))


def test_parts_are_of_a_size_for_one_transaction(sender: Sender) -> None:
    wide = run_event(run="wide", inputs=[dataset(f"table-{number}") for number in range(MAX_ROWS)])
    long = run_event(run="long", run_facets={"padding": {"text": "x" * MAX_BYTES}})
    small = [run_event(run=f"run-{number}") for number in range(MAX_EVENTS + 1)]
    waiting = waiting_for(sender, *small, wide, long, small[0])
    assert waiting.is_large
    parts = []
    while not waiting.is_done:
        parts.append(waiting.part.events)
        waiting.note(Committed(accepted=True, stored=waiting.part.events))
    assert parts == [MAX_EVENTS, 1, 1, 1, 1]
    assert waiting.committed.stored == sum(parts)


def test_small_submissions_are_one_part(sender: Sender) -> None:
    waiting = waiting_for(sender, *(run_event(run=f"run-{number}") for number in range(MAX_EVENTS)))
    assert not waiting.is_large
    assert waiting.part.events == MAX_EVENTS
