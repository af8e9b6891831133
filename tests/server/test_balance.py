"""The workers of a server share the connections."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from server.balance import ConnectionCounts, WorkerConnections
from tests.live_server import serve_tests
from tests.serving import LiveServer
from tests.waiting import wait_until

CLIENTS = 64


@pytest.fixture
def server(transactional_db: None, tmp_path: Path) -> Iterator[LiveServer]:
    """Server for one test, without other connections."""
    with serve_tests(tmp_path / "log.txt") as server:
        yield server


def connections(server: LiveServer) -> list[int]:
    """Count the connections of each worker."""
    return [
        sum(c.status == psutil.CONN_ESTABLISHED and c.laddr.port == server.port for c in worker.net_connections())
        for worker in server.workers
    ]


@pytest.mark.alone
def test_clients_that_connect_at_once_are_shared_out(server: LiveServer) -> None:
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        wait_until(lambda: sum(connections(server)) == CLIENTS)
        # With libuv alone one worker often had less than a third. A worker may have to wait for its core for a moment.
        assert min(connections(server)) >= CLIENTS // 3
    wait_until(lambda: sum(connections(server)) == 0)


def test_counts() -> None:
    counts = ConnectionCounts()
    slots = [counts.claim() for _ in range(128)]
    assert len(set(slots)) == 128
    assert counts.claim() is None
    for slot in range(128):
        counts.release(slot)
    one, other = (WorkerConnections(counts, slot) for slot in (0, 1))
    one.set(3)
    other.set(5)
    assert (one.is_ahead, other.is_ahead) == (False, True)
    one.leave()
    one.set(2)
    assert not other.is_ahead
    assert counts.claim() == 0
    assert other.is_ahead
