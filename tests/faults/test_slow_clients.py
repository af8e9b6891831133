"""200 clients that are silent, or send head or body byte by byte: nobody else notices, and they are let go."""

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import quantiles

from observability.protocol import HEAD_SECONDS
from tests.faults.books import audit
from tests.faults.conftest import Product
from tests.faults.events import make_events
from tests.faults.load import Ledger, Target, load, request_head
from tests.faults.scale import LONG, scaled, tell
from tests.faults.waiting import wait_until
from tests.serving import OwnDatabase

SLOW = 200
EVENTS = scaled(1000, 20_000)
P99_SECONDS = 0.5
# lineage.intake.asgi.READ_SECONDS, and as above some time to notice.
BODY_SECONDS = 30 + 3
_BETWEEN_BYTES_SECONDS = 0.2


class SlowClients:
    """A third of them each: silence, heads, bodies. A thread of theirs sends a byte for each at a time."""

    def __init__(self, target: Target) -> None:
        head = request_head(target, 1000)
        texts = [b"", head, head + b"{" * 1000]
        self._open: dict[socket.socket, tuple[str, Iterator[bytes]]] = {}
        self._ended = threading.Event()
        for number in range(SLOW):
            kind = ("silent", "head", "body")[number % 3]
            client = socket.create_connection(("127.0.0.1", target.port))
            text = texts[number % 3]
            if kind == "body":
                client.sendall(head)
                text = text.removeprefix(head)
            self._open[client] = kind, (text[at : at + 1] for at in range(len(text)))
        self._thread = threading.Thread(target=self._drip)
        self._thread.start()

    def open(self, *kinds: str) -> int:
        """How many of them the server still listens to."""
        return sum(kind in kinds for kind, _ in list(self._open.values()))

    def end(self) -> None:
        self._ended.set()
        self._thread.join()
        for client in self._open:
            client.close()

    def _drip(self) -> None:
        with selectors.DefaultSelector() as selector:
            for client in self._open:
                selector.register(client, selectors.EVENT_READ)
            while not self._ended.wait(_BETWEEN_BYTES_SECONDS):
                # The server answers one (a body that took too long), or hangs up: nothing else can be read.
                for key, _ in selector.select(0):
                    selector.unregister(key.fileobj)
                    del self._open[key.fileobj]
                    key.fileobj.close()
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
            assert slow.open("silent", "head", "body") == SLOW
        p99 = quantiles((exchange.ended - exchange.began for exchange in ledger.exchanges), n=100)[98]
        tell(f"p99 {p99 * 1000:.0f} ms")
        assert p99 <= P99_SECONDS
        assert ledger.answers.keys() == {201}
        wait_until(lambda: not slow.open("silent", "head"), "heads are awaited for so long", seconds=HEAD_SECONDS + 3)
        assert slow.open("body")
        if LONG:
            wait_until(lambda: not slow.open("body"), "bodies are awaited for so long", seconds=BODY_SECONDS)
    audit(database, target.connection_id, ledger)
