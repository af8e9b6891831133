"""rebuild_lineage while events come, while it is killed, and beside another of its kind."""

import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
import requests
from django.db import connection as database
from django.utils import timezone

from connections import actions
from lineage.models import Activity, Dataset, Edge, Event, Job, Run
from lineage.upkeep.rebuild import copies as rebuild
from lineage.upkeep.rebuild.rebuild import Removed, rebuild_connection
from lineage.upkeep.removal import sweep_removed_connections
from tests.conftest import InThread
from tests.lineage.build import at, dataset, run_event
from tests.lineage.commands import Start, commands
from tests.lineage.conftest import Sender
from tests.lineage.state import projection
from tests.serving import LiveServer
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

TYPES = ("START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER")


@pytest.fixture
def start_command() -> Iterator[Start]:
    with commands() as start:
        yield start


def some_event(chance: random.Random, runs: int = 500) -> bytes:
    """Make an event of one of a few runs. No two events agree about a run."""
    n = chance.randrange(runs)
    return run_event(
        chance.choice(TYPES),
        at(chance.randrange(3000)),
        run=str(uuid.UUID(int=n + 1)),
        job=f"job {chance.choice([n % 40, n % 40, n % 7])}",
        inputs=[dataset(f"table {chance.randrange(60)}")],
        outputs=[dataset(f"table {chance.randrange(60)}", schema={"fields": []})] if chance.random() < 0.3 else [],
        unique=chance.random(),
    )


def send_some(sender: Sender, count: int, seed: int = 0) -> None:
    chance = random.Random(seed)
    for _ in range(count // 100):
        sender.send(*(some_event(chance) for _ in range(100)), now=timezone.now())


def damage() -> None:
    with database.cursor() as cursor:
        cursor.execute(
            """
            UPDATE lineage_run SET active = NOT active, started_at = NULL, event_count = event_count + 1000,
                terminal_type = NULL, ended_at = NULL, last_event_at = last_event_at + interval '3 days';
            UPDATE lineage_job SET latest_run_id = NULL, kind = 'DAG', described_at = '2100-01-01', running_runs = 77;
            UPDATE lineage_dataset SET described = NOT described;
            DELETE FROM lineage_edge WHERE direction = 'WRITES';
            UPDATE lineage_edge SET dataset_id = gen_random_uuid();
            """
        )


def assert_right(sender: Sender, new_sender: Callable[[], Sender]) -> None:
    """Check that the rows equal those of another connection with these events, and those of an undisturbed rebuild."""
    again = rebuild_connection(sender.connection, clock=timezone.now)
    assert sum(again.changed.values()) == 0
    other = new_sender()
    bodies = [body.encode() for body in Event.objects.of(sender.connection).values_list("body", flat=True)]
    for start in range(0, len(bodies), 200):
        other.send(*bodies[start : start + 200], now=timezone.now())
    expected, found = projection(other.connection.pk), projection(sender.connection.pk)
    for table, rows in expected.items():
        assert _without_ids(found[table]) == _without_ids(rows), table


def _without_ids(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out ids of edges, which hash their connection, and receipts, which are each connection's own. The rows are
    sorted by what is left."""
    left_out = {"edge_ids", "received_at", "last_received_at"}
    return sorted(({name: value for name, value in row.items() if name not in left_out} for row in rows), key=str)


def test_events_that_are_committed_at_each_step_are_in_it(
    new_sender: Callable[[], Sender], in_thread: InThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More events are committed at each reading of the clock, as soon as the rebuild allows it, and right before each
    step."""
    sender = new_sender()
    send_some(sender, 1000)
    damage()
    chance, sent = random.Random(1), []

    def send() -> None:
        sending = in_thread(sender.send, *(some_event(chance) for _ in range(20)), now=timezone.now())
        sent.append(sending)
        if not paused():
            sending.result(timeout=30)

    def clock() -> datetime:
        send()
        return timezone.now()

    def limit_waiting() -> None:
        rebuild.limit_waiting()
        send()

    monkeypatch.setattr("lineage.upkeep.rebuild.rebuild.limit_waiting", limit_waiting)
    rebuild_connection(sender.connection, clock=clock)
    for sending in sent:
        sending.result(timeout=30)
    assert len(sent) > 20
    assert Event.objects.count() == 1000 + 20 * len(sent)
    assert_right(sender, new_sender)


def paused() -> bool:
    """Tell whether this session makes intake wait."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND mode = 'ShareRowExclusiveLock'"
            " AND relation = 'lineage_event'::regclass"
        )
        [(count,)] = cursor.fetchall()
    return bool(count)


class Watch:
    """Looks again and again at which jobs and datasets there are: one that was there must never be missing."""

    # Without a pause it would take half of the processors from what it watches.
    PAUSE_SECONDS = 0.005

    def __init__(self) -> None:
        self.missing: set[Any] = set()
        self.looks = 0
        self._stop = threading.Event()

    def run(self) -> None:
        known: set[Any] = set()
        while not self._stop.wait(self.PAUSE_SECONDS):
            now = {*Job.objects.values_list("id", flat=True), *Dataset.objects.values_list("id", flat=True)}
            self.missing |= known - now
            known |= now
            self.looks += 1

    def stop(self) -> None:
        self._stop.set()


@pytest.fixture
def watch(in_thread: InThread) -> Iterator[Watch]:
    watch = Watch()
    running = in_thread(watch.run)
    yield watch
    watch.stop()
    running.result(timeout=10)
    assert watch.looks > 10
    assert not watch.missing


# A commit that takes longer than four seconds is answered with 503.
@pytest.mark.alone
def test_the_product_serves_meanwhile(
    server: LiveServer, new_sender: Callable[[], Sender], start_command: Start, in_thread: InThread, watch: Watch
) -> None:
    sender = new_sender()
    key = actions.create_api_key(connection=sender.connection, name="own", created_by=None, now=timezone.now())
    url, headers = server.endpoint(sender.connection.pk), {"Authorization": f"Bearer {key.text}"}
    stop, answers = threading.Event(), []
    send_some(sender, 1000)
    damage()

    def send(seed: int) -> None:
        chance = random.Random(seed)
        with requests.Session() as session:
            while not stop.is_set():
                began = time.monotonic()
                answer = session.post(url, some_event(chance), headers=headers, timeout=30)
                answers.append((answer.status_code, time.monotonic() - began))

    sending = [in_thread(send, 10 + n) for n in range(4)]
    try:
        wait_until(lambda: len(answers) > 50)
        said = start_command("rebuild_lineage").ended_well()
    finally:
        stop.set()
    for future in sending:
        future.result(timeout=60)
    assert "of lineage_run" in said
    assert {status for status, _ in answers} == {201}, server.log.read_text()[-4000:]
    assert Event.objects.count() == 1000 + len(answers)
    # An answer within a sender's patience.
    assert max(seconds for _, seconds in answers) < 4
    assert_right(sender, new_sender)


def test_a_rebuild_that_is_killed_leaves_what_another_puts_right(
    new_sender: Callable[[], Sender], start_command: Start, watch: Watch
) -> None:
    sender = new_sender()
    send_some(sender, 1000)
    for delay in (0.0, 0.1, 0.2):
        damage()
        killed = start_command("rebuild_lineage")
        # It has begun: what it keeps others from is its own.
        wait_until(lambda: _advisory_locks() == 1)
        time.sleep(delay)
        assert killed.process.poll() is None, "it ended before it was killed"
        killed.kill()
        wait_until(lambda: _advisory_locks() == 0)
        sender.send(some_event(random.Random(delay)), now=timezone.now())
    said = start_command("rebuild_lineage").ended_well()
    assert "rows changed" in said
    assert_right(sender, new_sender)


def test_two_at_once_take_turns(new_sender: Callable[[], Sender], start_command: Start) -> None:
    sender = new_sender()
    send_some(sender, 1000)
    damage()
    both = [start_command("rebuild_lineage") for _ in range(2)]
    said = [one.ended_well() for one in both]
    assert sum("every row was right" in one for one in said) == 1
    assert_right(sender, new_sender)


def test_a_connection_that_is_removed_meanwhile_leaves_nothing(
    new_sender: Callable[[], Sender], in_thread: InThread
) -> None:
    sender, steps = new_sender(), 0
    send_some(sender, 500)
    damage()

    def remove() -> None:
        actions.end_connection(connection=sender.connection, now=timezone.now())
        assert sweep_removed_connections() == 1

    def clock() -> datetime:
        nonlocal steps
        steps += 1
        if steps == 4:
            in_thread(remove).result(timeout=30)
        return timezone.now()

    with pytest.raises(Removed):
        rebuild_connection(sender.connection, clock=clock)
    for model in (Event, Job, Run, Dataset, Edge, Activity):
        assert not model.objects.exists()


def _advisory_locks() -> int:
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        [(count,)] = cursor.fetchall()
    return int(count)
