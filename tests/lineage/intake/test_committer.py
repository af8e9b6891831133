"""Group commit: what many requests bring is committed in turns, and each learns what became of its own."""

import gc
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest

from connections import actions
from lineage.events import decode_event
from lineage.intake.commit import Committed
from lineage.intake.group.lanes import Lanes
from lineage.intake.group.waiting import MAX_EVENTS, MAX_ROWS, Waiting
from lineage.models import Dataset, Event, Run
from tests.lineage.build import dataset, run_event
from tests.lineage.conftest import make_sender
from tests.lineage.refused import refused_by_the_database
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Results = dict[int, Committed | None]
PATIENCE_SECONDS = 30


class Delivery:
    """Collects what a committer delivers; `turns` are the numbers of submissions that shared a transaction."""

    def __init__(self, expected: int) -> None:
        self.results: Results = {}
        self.turns: list[int] = []
        self._expected = expected
        self._complete = threading.Event()

    def __call__(self, results: Sequence[tuple[Waiting[int], Committed | None]]) -> None:
        self.turns.append(len(results))
        self.results |= {waiting.ticket: committed for waiting, committed in results}
        if len(self.results) == self._expected:
            self._complete.set()

    def wait(self) -> Results:
        assert self._complete.wait(PATIENCE_SECONDS)
        return self.results


@pytest.fixture
def commit_all() -> Iterator[Callable[..., Delivery]]:
    """Puts submissions into a committer, all at once: of each a sender, and the bodies of its events."""
    lanes: list[Lanes[int]] = []

    def commit(submissions: list[tuple[Any, ...]]) -> Delivery:
        delivery = Delivery(len(submissions))
        committer = Lanes(delivery)
        lanes.append(committer)
        waiting = [
            Waiting(sender.submission(bodies), sum(map(len, bodies)), ticket)
            for ticket, (sender, *bodies) in enumerate(submissions)
        ]
        for each in waiting:
            committer.put(each)
        delivery.wait()
        return delivery

    yield commit
    for committer in lanes:
        committer.stop()


def test_what_waits_is_committed_together_up_to_a_bound(commit_all: Callable[..., Delivery]) -> None:
    sender = make_sender()
    count = MAX_EVENTS * 2 + 100
    delivery = commit_all([(sender, run_event(run=f"run-{number}")) for number in range(count)])
    assert set(delivery.results) == set(range(count))
    assert all(committed == Committed(accepted=True, stored=1) for committed in delivery.results.values())
    assert Event.objects.count() == Run.objects.count() == count
    assert max(delivery.turns) <= MAX_EVENTS
    assert len(delivery.turns) < count / 10


def test_a_large_batch_lets_others_go_between_its_parts(commit_all: Callable[..., Delivery]) -> None:
    """The batch waits before them all, and is done after them."""
    sender = make_sender()
    count = MAX_EVENTS * 3 + 7
    batch = [run_event(run=f"of-batch-{number}") for number in range(count)] + [run_event(run="of-batch-0")]
    singles = [[run_event(run=f"single-{number}")] for number in range(20)]
    delivery = commit_all([(sender, *batch), *((sender, *bodies) for bodies in singles)])
    assert list(delivery.results)[-1] == 0
    assert delivery.results[0] == Committed(accepted=True, stored=count)
    assert Event.objects.count() == Run.objects.count() == count + len(singles)


def test_nothing_is_held_of_what_was_committed() -> None:
    """A large event would keep its memory until the next one comes, however long that takes."""

    class Ticket:
        """Ticket that can be referred to weakly, unlike a submission."""

    def deliver(results: Sequence[tuple[Waiting[Ticket], Committed | None]]) -> None:
        del results
        delivered.release()

    def is_gone(ticket: weakref.ref[Ticket]) -> bool:
        return ticket() is None

    delivered, sender = threading.Semaphore(0), make_sender()
    committer = Lanes(deliver)
    gc.disable()
    try:
        with refused_by_the_database("poison"):
            for job in ("good", "poison"):
                ticket = Ticket()
                left = weakref.ref(ticket)
                committer.put(Waiting(sender.submission([run_event(job=job)]), 1, ticket))
                del ticket
                assert delivered.acquire(timeout=PATIENCE_SECONDS)
                wait_until(partial(is_gone, left), f"{job} is let go", seconds=PATIENCE_SECONDS)
    finally:
        gc.enable()
        committer.stop()


def test_one_event_of_very_many_datasets_is_committed(commit_all: Callable[..., Delivery]) -> None:
    inputs = [dataset(f"table {number}") for number in range(MAX_ROWS + 1)]
    sender = make_sender()
    delivery = commit_all([(sender, run_event(run="1"), run_event(run="2", inputs=inputs), run_event(run="3"))])
    assert delivery.results == {0: Committed(accepted=True, stored=3)}
    assert Dataset.objects.count() == len(inputs)


def test_what_can_never_be_stored_is_named_by_its_place_in_the_batch(commit_all: Callable[..., Delivery]) -> None:
    bad = [3, MAX_EVENTS + 3, MAX_EVENTS * 2]
    bodies = [run_event(job="poison" if n in bad else "good", run=f"run-{n}") for n in range(MAX_EVENTS * 2 + 1)]
    with refused_by_the_database("poison"):
        delivery = commit_all([(make_sender(), *bodies)])
    assert delivery.results == {0: Committed(accepted=True, stored=len(bodies) - len(bad), unstorable=frozenset(bad))}


def test_a_repeat_among_them_is_counted_once(commit_all: Callable[..., Delivery]) -> None:
    sender = make_sender()
    delivery = commit_all([(sender, run_event())] * 40)
    assert sum(committed.stored for committed in delivery.results.values() if committed) == 1
    assert Event.objects.count() == Run.objects.get().event_count == 1


def test_a_deleted_key_does_not_hold_up_its_neighbours(commit_all: Callable[..., Delivery]) -> None:
    good, deleted = make_sender(), make_sender()
    actions.delete_api_key(api_key=deleted.key)
    delivery = commit_all([(good if n % 2 else deleted, run_event(run=f"run-{n}")) for n in range(20)])
    assert {n for n, committed in delivery.results.items() if committed and committed.accepted} == set(range(1, 20, 2))
    assert Event.objects.count() == Event.objects.filter(connection=good.connection).count() == 10


def test_what_can_never_be_stored_stands_alone(commit_all: Callable[..., Delivery]) -> None:
    sender = make_sender()
    bodies = [run_event(job="poison" if n == 13 else "good", run=f"run-{n}") for n in range(40)]
    with refused_by_the_database("poison"):
        delivery = commit_all([(sender, body) for body in bodies])
    assert [n for n, committed in delivery.results.items() if committed and committed.unstorable] == [13]
    assert Event.objects.count() == 39
    assert not Event.objects.filter(id=decode_event(bodies[13]).id).exists()
