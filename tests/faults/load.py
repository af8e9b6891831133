"""Senders over real HTTP with a ledger: what they sent, how it was answered, and when."""

import http.client
import itertools
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from uuid import UUID

from tests.faults.events import Sent

# Seconds for which openlineage-python and the Java client wait for a response.
ANSWER_SECONDS = 5.0
# Seconds in which each event must be acknowledged: more than any fault here may last.
PATIENCE_SECONDS = 40.0
# Seconds until a sender tries again; less than real ones wait, so that it tries more often during a fault.
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Target:
    """Destination of events, and an API key for it. A client that one port does not answer goes on at `other_port`."""

    port: int
    connection_id: UUID
    key: str = field(repr=False)
    other_port: int | None = None

    @property
    def path(self) -> str:
        return f"/gateway/openlineage/{self.connection_id}"


@dataclass(frozen=True, slots=True)
class Exchange:
    """Try to send an event. `answer`: the status, or the name of the exception that ended it."""

    event: Sent
    answer: int | str
    began: float
    ended: float

    @property
    def is_acknowledged(self) -> bool:
        return isinstance(self.answer, int) and 200 <= self.answer < 300


class Ledger:
    """Ledger of all tries. Thread-safe."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.answers: Counter[int | str] = Counter()
        self._acknowledged = 0
        self._changed = threading.Condition()

    def note(self, exchange: Exchange) -> None:
        with self._changed:
            self.exchanges.append(exchange)
            self.answers[exchange.answer] += 1
            self._acknowledged += exchange.is_acknowledged
            self._changed.notify_all()

    def wait_for(self, condition: Callable[["Ledger"], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), PATIENCE_SECONDS), self.answers

    def wait_for_acknowledged(self, count: int) -> None:
        """Wait until `count` more events are acknowledged."""
        goal = self._acknowledged + count
        self.wait_for(lambda ledger: ledger._acknowledged >= goal)

    @property
    def acknowledged(self) -> set[UUID]:
        return {exchange.event.id for exchange in self.exchanges if exchange.is_acknowledged}

    @property
    def sent(self) -> dict[UUID, Sent]:
        return {exchange.event.id: exchange.event for exchange in self.exchanges}

    @property
    def failures(self) -> list[Exchange]:
        return [exchange for exchange in self.exchanges if not exchange.is_acknowledged]


@contextmanager
def load(target: Target, ledger: Ledger, events: Sequence[Sent], *, clients: int = 16) -> Iterator[None]:
    """Send each event until it is acknowledged; the end of the block waits for that."""
    todo = iter(events)
    guard = threading.Lock()

    def take() -> Sent | None:
        with guard:
            return next(todo, None)

    threads = [_Sender(target, take, ledger) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield
    except BaseException:
        with guard:
            todo = iter(())  # the remaining events are not needed
        raise
    finally:
        for thread in threads:
            thread.join()
    unacknowledged = {event.id for event in events} - ledger.acknowledged
    assert not unacknowledged, f"{len(unacknowledged)} events were not taken in {PATIENCE_SECONDS} s: {ledger.answers}"


@contextmanager
def load_at_once(
    target: Target, ledger: Ledger, events: Sequence[Sent], *, keys: Sequence[str] = ()
) -> Iterator[list[socket.socket]]:
    """Send each event once, on a connection of its own. All are sent when the block begins, and answered when it ends.

    `keys`: an API key for each event; by default all have the target's. Yields the connections, in the order of the
    events.
    """
    targets = [replace(target, key=key) for key in keys] or [target] * len(events)
    began = time.monotonic()
    with ExitStack() as stack:
        connections = [stack.enter_context(_connected(target)) for _ in events]
        for connection, event, sender in zip(connections, events, targets, strict=True):
            connection.sendall(request_head(sender, len(event.body)) + event.body)
        yield connections
        for connection, event in zip(connections, events, strict=True):
            response = http.client.HTTPResponse(connection, method="POST")
            response.begin()
            ledger.note(Exchange(event, response.status, began, time.monotonic()))


def request_head(target: Target, length: int, *more: str, path: str = "") -> bytes:
    lines = [
        f"POST {path or target.path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {target.key}",
        f"Content-Length: {length}",
        *more,
    ]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def _connected(target: Target) -> socket.socket:
    return socket.create_connection(("127.0.0.1", target.port), PATIENCE_SECONDS)


class Client:
    """Client with one connection, which it keeps open between requests as senders do. For one thread."""

    def __init__(self, target: Target, ledger: Ledger) -> None:
        self._path, self._ledger = target.path, ledger
        self._headers = {"Authorization": f"Bearer {target.key}", "Content-Type": "application/json"}
        ports = [target.port, target.other_port or target.port]
        self._connections = itertools.cycle(
            [http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS) for port in ports]
        )
        self._connection = next(self._connections)

    def send(self, event: Sent) -> Exchange:
        """Try once to send an event."""
        began = time.monotonic()
        answer: int | str
        try:
            self._connection.request("POST", self._path, event.body, self._headers)
            answer = self._answer()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            self._connection = next(self._connections)
            answer = type(error).__name__
        exchange = Exchange(event, answer, began, time.monotonic())
        self._ledger.note(exchange)
        return exchange

    def close(self) -> None:
        self._connection.close()

    def _answer(self) -> int | str:
        response = self._connection.getresponse()
        # The body does not matter: a status 2xx already says that the event is stored.
        with suppress(http.client.IncompleteRead, ConnectionError):
            response.read()
        asks_again = response.headers.get("Retry-After") is not None
        if asks_again != (response.status == HTTPStatus.SERVICE_UNAVAILABLE):
            return f"{response.status}, Retry-After: {asks_again}"
        return response.status


class _Sender(threading.Thread):
    """Sends events one after the other, each until it is acknowledged."""

    def __init__(self, target: Target, take: Callable[[], Sent | None], ledger: Ledger) -> None:
        super().__init__()
        self._client, self._take = Client(target, ledger), take

    def run(self) -> None:
        while event := self._take():
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not self._client.send(event).is_acknowledged and time.monotonic() < deadline:
                time.sleep(_PAUSE_SECONDS)
        self._client.close()
