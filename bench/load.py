"""The load client: `python -m bench.load`, a process of its own, so that it takes no turn of the measured ones.

Each of its connections stays open, and sends its next event when the last one is answered. Plain sockets and one
epoll: no client library is fast enough. Its order is read from standard input, its result written to standard output.
"""

import json
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from bench.events import bodies


@dataclass(frozen=True)
class Order:
    port: int
    path: str
    key: str
    clients: int
    seconds: float
    seed: int


@dataclass(frozen=True)
class Outcome:
    """`acknowledged` were answered 2xx, `refused` otherwise. Latencies are in seconds, one for each answer."""

    acknowledged: int
    refused: int
    seconds: float
    latencies: list[float]


class _Client:
    def __init__(self, order: Order, events: Iterator[bytes]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", order.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._events = events
        self._head = (
            f"POST {order.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {order.key}\r\nContent-Length: "
        ).encode()
        self._received = b""
        self.sent_at = 0.0

    def send(self) -> None:
        body = next(self._events)
        self._received = b""
        request = b"%s%d\r\n\r\n%s" % (self._head, len(body), body)
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """The status, once the answer is whole. The subjects all answer with a Content-Length."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server hung up")
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        return int(head[9:12]) if len(body) >= length else None


def run(order: Order) -> Outcome:
    events = bodies(order.seed)
    selector = selectors.DefaultSelector()
    clients = [_Client(order, events) for _ in range(order.clients)]
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
    json.dump(asdict(run(Order(**order))), sys.stdout)


if __name__ == "__main__":
    main()
