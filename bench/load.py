"""Load client, `python -m bench.load`: a separate process, so that it shares no thread with the measured servers.

Each client keeps one connection open, and sends its next request after the response to the last one. It uses plain
sockets and one selector, because the servers lose each microsecond that it takes: they share the machine with it. The
report compares it with wrk. It reads its order from standard input, and writes its result to standard output.
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
    """Load to produce. `batch`: events in one request; 1: a single event, not an array. `columns`: of so many each
    event tells where they come from."""

    port: int
    path: str
    key: str
    clients: int
    seconds: float
    seed: int
    batch: int = 1
    columns: int = 0


@dataclass(frozen=True)
class LoadResult:
    """Result of a load: `acknowledged` requests were answered 2xx, `refused` ones otherwise. One latency per request,
    in seconds."""

    acknowledged: int
    refused: int
    seconds: float
    latencies: list[float]


@lru_cache(maxsize=64)
def _length(head: bytes) -> int | None:
    """Return the length of the body after this head; None: it is chunked. Cached, because heads are equal within a
    second."""
    lowered = head.lower()
    if b"transfer-encoding: chunked" in lowered:
        return None
    _, named, rest = lowered.partition(b"content-length:")
    if not named:
        raise ValueError(f"a response without a length: {head!r}")
    return int(rest.split(b"\r\n", 1)[0])


def _status(answer: bytes) -> int | None:
    """Return the status once the response is complete."""
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
            raise ConnectionError("the server closed the connection")
        self._received += data
        return _status(self._received)


def run(order: Order) -> LoadResult:
    requests = bodies(order.seed, order.columns) if order.batch == 1 else batches(order.seed, order.batch)
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
    return LoadResult(acknowledged, len(latencies) - acknowledged, ended - began, latencies)


def main() -> None:
    order: dict[str, Any] = json.load(sys.stdin)
    gc.disable()  # its pauses would be counted as the server's
    json.dump(asdict(run(Order(**order))), sys.stdout)


if __name__ == "__main__":
    main()
