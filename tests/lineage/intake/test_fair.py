"""Connections share turns and slots by what their work costs, however much one of them has waiting."""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from lineage.intake.group.fair import FairQueue
from lineage.intake.group.slots import Slots

A, B, C = (UUID(int=number) for number in range(1, 4))


def take_all(queue: FairQueue[str]) -> str:
    return "".join(queue.take() for _ in range(len(queue)))


def test_one_connection_is_served_in_order() -> None:
    queue: FairQueue[str] = FairQueue()
    for item in "abc":
        queue.put(A, item, 5)
    assert queue.first() == "a"
    assert len(queue) == 3
    assert take_all(queue) == "abc"


def test_a_connection_that_comes_late_is_next() -> None:
    queue: FairQueue[str] = FairQueue()
    for _ in range(100):
        queue.put(A, "a", 1)
    assert [queue.take() for _ in range(50)] == ["a"] * 50
    queue.put(B, "b", 1000)
    assert "b" in [queue.take(), queue.take()]


def test_connections_get_equal_shares_by_cost() -> None:
    queue: FairQueue[UUID] = FairQueue()
    cost = {A: 100, B: 10, C: 1}
    for connection_id, each in cost.items():
        for _ in range(10_000 // each):
            queue.put(connection_id, connection_id, each)
    got: Counter[UUID] = Counter()
    for _ in range(len(queue) // 2):
        taken = queue.take()
        got[taken] += cost[taken]
    assert max(got.values()) - min(got.values()) <= max(cost.values())


def test_an_expensive_item_does_not_starve() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.put(A, "expensive", 1000)
    for _ in range(100):
        queue.put(B, "b", 1)
    queue.put(A, "last", 1)
    taken = [queue.take() for _ in range(102)]
    assert "expensive" in taken[:2]
    assert taken[-1] == "last"


def test_a_connection_whose_line_was_empty_owes_what_it_got() -> None:
    """A sender gains nothing by sending the next item only when the last one was taken."""
    queue: FairQueue[str] = FairQueue()
    for _ in range(30):
        queue.put(B, "b", 1)
    queue.put(A, "a", 10)
    taken = []
    for _ in range(20):
        taken.append(queue.take())
        if taken[-1] == "a":
            queue.put(A, "a", 10)
    assert taken.count("a") <= 3


async def _order(waiting: list[UUID], *, cancelled: int | None) -> list[UUID]:
    """Connections in the order in which they got the one slot."""
    slots, order, release = Slots(1), [], asyncio.Event()

    async def use(connection_id: UUID) -> None:
        async with slots.taken(connection_id, 1):
            order.append(connection_id)
            await release.wait()

    tasks = [asyncio.ensure_future(use(connection_id)) for connection_id in waiting]
    await asyncio.sleep(0)
    if cancelled is not None:
        tasks[cancelled].cancel()
    release.set()
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
    async with slots.taken(A, 1):
        return order


@pytest.mark.parametrize(
    ("cancelled", "expected"), [(None, [A, A, B, A, A]), (1, [A, B, A, A]), (0, [A, A, B, A, A]), (4, [A, A, A, A])]
)
def test_a_slot_is_for_who_had_least(cancelled: int | None, expected: list[UUID]) -> None:
    # A thread of its own: browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(asyncio.run, _order([A, A, A, A, B], cancelled=cancelled)).result() == expected
