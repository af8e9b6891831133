"""A connection's list of attempts under load: bounded, and cheap where the connection may be made up."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from connections.actions import ATTEMPTS_KEPT
from connections.models import Attempt
from lineage.models import Event
from tests.lineage.intake.http import wire
from tests.lineage.intake.http.documents import encoded
from tests.lineage.intake.http.test_keys import connected_to_each_worker
from tests.live_server import Sender
from tests.server.metrics.scrape import Scrape, scrape
from tests.serving import WORKERS, LiveServer

# Limits of each worker; see connections.actions.
LOOK_UPS_A_SECOND = 20


@pytest.fixture
def counted(server: LiveServer) -> Callable[[], Scrape]:
    """Counters since the test began."""
    before = scrape(server)
    return lambda: scrape(server).since(before)


@pytest.fixture
def clients(server: LiveServer) -> Iterator[list[socket.socket]]:
    """Connections that stay open, to every worker."""
    with ExitStack() as stack:
        yield [stack.enter_context(client) for client in connected_to_each_worker(server)]


def test_made_up_connections_cost_little(
    server: LiveServer, sender: Sender, clients: list[socket.socket], counted: Callable[[], Scrape]
) -> None:
    """A limited number of unknown ids is looked up each second; the others cost no query. Real connections are served
    meanwhile, and list their attempts."""
    times = 400
    beside = server.path(sender.connection.id)

    def flood(client: socket.socket) -> None:
        for number in range(times):
            wire.send(client, "POST", f"/gateway/openlineage/{uuid4()}", {}, b"")
            assert wire.receive(client).status == 401
            if number == times // 2:
                wire.send(client, "POST", beside, sender.headers, encoded())
                assert wire.receive(client).status == 201
                wire.send(client, "POST", beside, sender.headers, b"{")
                assert wire.receive(client).status == 400

    begin = time.monotonic()
    with ThreadPoolExecutor(len(clients)) as threads:
        list(threads.map(flood, clients))
    seconds = time.monotonic() - begin

    dropped = counted().by_label("attempts_dropped_total", "reason")
    looked_up = dropped.pop(("no_connection",))
    assert looked_up <= WORKERS * LOOK_UPS_A_SECOND * (seconds + 1)
    not_looked_up = dropped.pop(("stranger",)) + dropped.pop(("busy",), 0)
    assert looked_up + not_looked_up == len(clients) * times
    assert Event.objects.count() == len(clients)
    attempts = Attempt.objects.values_list("connection", "status", named=True)
    assert {(attempt.connection, attempt.status) for attempt in attempts} == {
        (sender.connection.id, 201),
        (sender.connection.id, 400),
    }


def test_a_connection_keeps_no_more_however_many_workers_write(
    server: LiveServer, sender: Sender, clients: list[socket.socket]
) -> None:
    """The list never grows beyond its limit: each new attempt replaces the oldest."""
    hour_ago = timezone.now() - timedelta(hours=1)
    full = [
        Attempt(connection=sender.connection, at=hour_ago, outcome=outcome, status=status)
        for outcome, status, kept in (("rejected", 400, "rejected"), ("stored", 201, "accepted"))
        for _ in range(ATTEMPTS_KEPT[kept])
    ]
    Attempt.objects.bulk_create(full)
    path = server.path(sender.connection.id)
    ends = time.monotonic() + 3

    def flood(client: socket.socket) -> None:
        while time.monotonic() < ends:
            for body in (b"{", encoded()):
                wire.send(client, "POST", path, sender.headers, body)
                wire.receive(client)

    rejected = Attempt.objects.filter(connection=sender.connection, outcome="rejected")
    accepted = Attempt.objects.filter(connection=sender.connection).exclude(outcome="rejected")
    with ThreadPoolExecutor(len(clients)) as threads:
        flooding = threads.map(flood, clients)
        while time.monotonic() < ends:
            assert rejected.count() == ATTEMPTS_KEPT["rejected"]
            assert accepted.count() == ATTEMPTS_KEPT["accepted"]
        list(flooding)

    # Each worker lists five refusals a second, and an acceptance.
    assert rejected.filter(at__gt=hour_ago).count() >= 5 * WORKERS
    assert accepted.filter(at__gt=hour_ago).count() >= WORKERS
