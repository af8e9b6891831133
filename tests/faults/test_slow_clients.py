"""200 clients that are silent, or send head or body byte by byte: nobody else notices, and they are let go."""

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import quantiles

import pytest

from server.protocol import BODY_SECONDS, HEAD_SECONDS, UNREAD_SECONDS
from tests.faults.books import audit
from tests.faults.conftest import Product
from tests.faults.events import make_events
from tests.faults.load import Ledger, Target, load, request_head
from tests.faults.scale import LONG, scaled, tell
from tests.serving import OwnDatabase
from tests.waiting import wait_until

# Seconds are counted.
pytestmark = pytest.mark.alone

SLOW = 200
EVENTS = scaled(1000, 5000)
P99_SECONDS = 0.5
# For the server to notice, and for the clients to notice that.
LENIENCE_SECONDS = 3
_BETWEEN_BYTES_SECONDS = 0.2


def one_by_one(content: bytes) -> Iterator[bytes]:
    return (content[at : at + 1] for at in range(len(content)))


class SlowClients:
    """Slow clients, equally many of each kind. One thread sends a byte for each of them at a time."""

    def __init__(self, target: Target) -> None:
        head = request_head(target, 1000)
        # What each sends at once, and what byte by byte.
        kinds = {
            "silent": (b"", b""),
            "head": (b"", head),
            "body of an event": (head, b"{" * 1000),
            "body for a page": (request_head(target, 1000, path="/sign-in"), b"x" * 1000),
        }
        self._open: dict[socket.socket, tuple[str, Iterator[bytes]]] = {}
        self._ended = threading.Event()
        for number in range(SLOW):
            kind = list(kinds)[number % len(kinds)]
            at_once, slowly = kinds[kind]
            client = socket.create_connection(("127.0.0.1", target.port))
            client.sendall(at_once)
            self._open[client] = kind, one_by_one(slowly)
        self._thread = threading.Thread(target=self._drip)
        self._thread.start()

    def open(self, *kinds: str) -> int:
        """Count the clients that the server still reads from; without a kind, all of them."""
        return sum(not kinds or kind in kinds for kind, _ in list(self._open.values()))

    def end(self) -> None:
        self._ended.set()
        self._thread.join()
        for client in self._open:
            client.close()

    def _drip(self) -> None:
        with selectors.DefaultSelector() as selector:
            for client in self._open:
                selector.register(client, selectors.EVENT_READ, client)
            while not self._ended.wait(_BETWEEN_BYTES_SECONDS):
                # The server answers one (a body that took too long), or hangs up: nothing else can be read.
                for key, _ in selector.select(0):
                    client = key.data
                    selector.unregister(client)
                    del self._open[client]
                    client.close()
                for client, (_, rest) in self._open.items():
                    with contextlib.suppress(OSError):
                        client.sendall(next(rest, b""))


@contextmanager
def slow_clients(target: Target) -> Iterator[SlowClients]:
    clients = SlowClients(target)
    try:
        yield clients
    finally:
        clients.end()


def test_a_good_client_is_served_as_ever(database: OwnDatabase, product: Product, target: Target) -> None:
    ledger = Ledger()
    with slow_clients(target) as slow:
        with load(target, ledger, make_events(EVENTS), clients=4):
            assert slow.open() == SLOW
        p99 = quantiles((exchange.ended - exchange.began for exchange in ledger.exchanges), n=100)[98]
        tell(f"p99 {p99 * 1000:.0f} ms")
        assert p99 <= P99_SECONDS
        assert ledger.answers.keys() == {201}
        patience = HEAD_SECONDS + LENIENCE_SECONDS
        wait_until(lambda: not slow.open("silent", "head"), "heads are awaited for so long", seconds=patience)
        if LONG:
            patience = BODY_SECONDS + LENIENCE_SECONDS
            wait_until(lambda: not slow.open(), "bodies are awaited for so long", seconds=patience)
    audit(database, target.connection_id, ledger)


def has_connection(product: Product, client: socket.socket) -> bool:
    address = client.getsockname()
    return any(c.raddr == address for worker in product.workers for c in worker.net_connections("tcp"))


def send_without_end(client: socket.socket) -> None:
    while True:
        client.sendall(b"GET /api/v1/lineage HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")


if LONG:  # The kernel's patience takes half a minute.

    def test_who_does_not_read_is_let_go(product: Product) -> None:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", product.server.port))
            client.settimeout(LENIENCE_SECONDS)
            # One after the other is answered, until no more answers fit between the two.
            with pytest.raises(TimeoutError):
                send_without_end(client)
            assert has_connection(product, client)
            patience = UNREAD_SECONDS + 2 * LENIENCE_SECONDS
            wait_until(lambda: not has_connection(product, client), "it is given up", seconds=patience)
