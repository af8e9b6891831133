"""The load client: `python -m bench.load`, a process of its own, so that it takes no turn of the measured ones.

Each of its clients holds one connection open, and sends its next request when the last one is answered. Plain sockets
and one selector, since every microsecond that it takes is missing to the servers, which share the machine with it; how
it compares with wrk stands in the report. Its order is read from standard input, its result written to standard output.
"""

import gc
import json
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from bench.events import batches, bodies


@dataclass(frozen=True)
class Order:
    """`batch` events make one request; 1: it is no batch, but the event itself."""

    port: int
    path: str
    key: str
    clients: int
    seconds: float
    seed: int
    batch: int = 1


@dataclass(frozen=True)
class Outcome:
    """Requests: `acknowledged` were answered 2xx, `refused` otherwise. Latencies are in seconds, one for each."""

    acknowledged: int
    refused: int
    seconds: float
    latencies: list[float]


@lru_cache(maxsize=64)
def _length(head: bytes) -> int | None:
    """Of the body that follows this head; None: it is chunked. Heads are the same for as long as their date is."""
    lowered = head.lower()
    if b"transfer-encoding: chunked" in lowered:
        return None
    _, named, rest = lowered.partition(b"content-length:")
    if not named:
        raise ValueError(f"an answer without a length: {head!r}")
    return int(rest.split(b"\r\n", 1)[0])


def _status(answer: bytes) -> int | None:
    """The status, once the answer is whole."""
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator:
        return None
    length = _length(head)
    whole = body.endswith(b"0\r\n\r\n") if length is None else len(body) >= length
    return int(head[9:12]) if whole else None


class _Client:
    def __init__(self, order: Order, requests: Iterator[bytes]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", order.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = requests
        self._head = (
            f"POST {order.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {order.key}\r\nContent-Length: "
        ).encode()
        self._received = b""
        self.sent_at = 0.0

    def send(self) -> None:
        body = next(self._requests)
        self._received = b""
        request = b"%s%d\r\n\r\n%s" % (self._head, len(body), body)
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> int | None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server hung up")
        self._received += data
        return _status(self._received)


def run(order: Order) -> Outcome:
    requests = bodies(order.seed) if order.batch == 1 else batches(order.seed, order.batch)
    selector = selectors.DefaultSelector()
    clients = [_Client(order, requests) for _ in range(order.clients)]
    for client in clients:
        selector.register(client.socket, selectors.EVENT_READ, client)
    latencies: list[float] = []
    acknowledged, waiting = 0, len(clients)
    began = time.perf_counter()
    for client in clients:
        client.send()
    while waiting:
        for key, _ in selector.select():
            status = key.data.receive()
            if status is None:
                continue
            now = time.perf_counter()
            latencies.append(now - key.data.sent_at)
            acknowledged += 200 <= status < 300
            if now - began < order.seconds:
                key.data.send()
            else:
                waiting -= 1
    ended = time.perf_counter()
    for client in clients:
        client.socket.close()
    return Outcome(acknowledged, len(latencies) - acknowledged, ended - began, latencies)


def main() -> None:
    order: dict[str, Any] = json.load(sys.stdin)
    gc.disable()  # its pauses would be taken for the server's
    json.dump(asdict(run(Order(**order))), sys.stdout)


if __name__ == "__main__":
    main()
