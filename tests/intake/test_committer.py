"""Group commit: what many requests bring is committed in turns, and each learns what became of its own."""

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest
from django.db import connection

from connections import actions
from lineage.events import decode_event
from lineage.intake.commit import Committed
from lineage.intake.committer import MAX_EVENTS, Committer, Waiting
from lineage.models import Event, Run
from tests.lineage.build import run_event
from tests.lineage.conftest import Sender, make_sender

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
    """Puts submissions of one event each into a committer, all at once."""
    committers: list[Committer[int]] = []

    def commit(senders_and_bodies: list[tuple[Sender, bytes]]) -> Delivery:
        delivery = Delivery(len(senders_and_bodies))
        committer = Committer(delivery)
        committers.append(committer)
        for ticket, (sender, body) in enumerate(senders_and_bodies):
            committer.put(Waiting(sender.submission([body]), len(body), ticket))
        delivery.wait()
        return delivery

    yield commit
    for committer in committers:
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
    """The database itself refuses one of the jobs, as it would any value that decoding let through."""
    sender = make_sender()
    bodies = [run_event(job="poison" if n == 13 else "good", run=f"run-{n}") for n in range(40)]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE lineage_job ADD CONSTRAINT no_poison CHECK (name <> 'poison')")
    try:
        delivery = commit_all([(sender, body) for body in bodies])
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE lineage_job DROP CONSTRAINT no_poison")
    assert [n for n, committed in delivery.results.items() if committed and committed.unstorable] == [13]
    assert Event.objects.count() == 39
    assert not Event.objects.filter(id=decode_event(bodies[13]).id).exists()
