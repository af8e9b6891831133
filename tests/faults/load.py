"""Senders over real HTTP that keep a ledger: what they sent, what it was answered, when."""

import http.client
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from uuid import UUID

from tests.faults.events import Sent

# What openlineage-python and the Java client wait for an answer.
ANSWER_SECONDS = 5.0
# Within which each event must be acknowledged, whatever happens: more than any fault here may last.
PATIENCE_SECONDS = 40.0
# Until a sender tries again; shorter than real ones, to meet more of the fault.
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send to, and with which key."""

    port: int
    connection_id: UUID
    key: str = field(repr=False)

    @property
    def path(self) -> str:
        return f"/gateway/openlineage/{self.connection_id}"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One try. `answer` is the status, or the name of the exception that ended it without one."""

    event: Sent
    answer: int | str
    began: float
    ended: float

    @property
    def is_acknowledged(self) -> bool:
        return isinstance(self.answer, int) and 200 <= self.answer < 300


class Ledger:
    """Thread-safe."""

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
        """Until so many more than now are acknowledged."""
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
    """Each event is sent until it is acknowledged; the block's end waits for that."""
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
            todo = iter(())  # nobody waits for the rest
        raise
    finally:
        for thread in threads:
            thread.join()
    unacknowledged = {event.id for event in events} - ledger.acknowledged
    assert not unacknowledged, f"{len(unacknowledged)} events were not taken in {PATIENCE_SECONDS} s: {ledger.answers}"


@contextmanager
def load_at_once(target: Target, ledger: Ledger, events: Sequence[Sent]) -> Iterator[list[socket.socket]]:
    """Sends each once, on a connection of its own: when the block begins all are sent, at its end all are answered.

    Yields the connections, in the order of the events.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        connections = [stack.enter_context(_connected(target)) for _ in events]
        for connection, event in zip(connections, events, strict=True):
            connection.sendall(request_head(target, len(event.body)) + event.body)
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
    """One client with one connection, kept open between requests as senders do. For one thread."""

    def __init__(self, target: Target, ledger: Ledger) -> None:
        self._path, self._ledger = target.path, ledger
        self._headers = {"Authorization": f"Bearer {target.key}", "Content-Type": "application/json"}
        self._connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=ANSWER_SECONDS)

    def send(self, event: Sent) -> Exchange:
        """One try."""
        began = time.monotonic()
        answer: int | str
        try:
            self._connection.request("POST", self._path, event.body, self._headers)
            answer = self._answer()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            answer = type(error).__name__
        exchange = Exchange(event, answer, began, time.monotonic())
        self._ledger.note(exchange)
        return exchange

    def close(self) -> None:
        self._connection.close()

    def _answer(self) -> int | str:
        response = self._connection.getresponse()
        # Its words are of no account: whoever has read 2xx has read that the event is stored.
        with suppress(http.client.IncompleteRead, ConnectionError):
            response.read()
        asks_again = response.headers.get("Retry-After") is not None
        if asks_again != (response.status == HTTPStatus.SERVICE_UNAVAILABLE):
            return f"{response.status}, Retry-After: {asks_again}"
        return response.status


class _Sender(threading.Thread):
    """Sends one event after the other, each until it is acknowledged."""

    def __init__(self, target: Target, take: Callable[[], Sent | None], ledger: Ledger) -> None:
        super().__init__()
        self._client, self._take = Client(target, ledger), take

    def run(self) -> None:
        while event := self._take():
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not self._client.send(event).is_acknowledged and time.monotonic() < deadline:
                time.sleep(_PAUSE_SECONDS)
        self._client.close()
