"""Requests that arrive whole are offered to the application as such, before uvicorn makes a task of them.

For an application that has the attribute `direct`, see Direct. A request that it does not take, and one that arrives in
pieces, is handed to the application as ASGI has it, as if nothing had happened.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import blake2b
from typing import Any, ClassVar, Final, NamedTuple, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from observability.protocol import BoundedProtocol

# Of heads that are remembered, in each process; about 300 bytes each.
_MOST_HEADS: Final = 8192
_HEAD_ENDS: Final = b"\r\n\r\n"
# Longer heads are parsed each time.
_HEAD_BYTES: Final = 2048


class Answer(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]: ...
    @property
    def body(self) -> bytes: ...


class Direct(Protocol):
    def recognise(self, scope: Mapping[str, Any]) -> Any | None:
        """What a head asks for, by ASGI's scope; None: requests with it are never taken. It is asked once about equal
        heads, and may keep nothing of the scope that is secret."""

    def take(self, recognised: Any, body: bytes, respond: Callable[[Answer], None]) -> bool:
        """Whether the application takes this request; then it calls `respond` later, once."""


class _Head(NamedTuple):
    """Of a POST whose body has a length, on a connection that is kept."""

    recognised: Any
    body_bytes: int


class _Held(NamedTuple):
    cycle: RequestResponseCycle
    application: Any
    recognised: Any


class DirectProtocol(BoundedProtocol):
    """As uvicorn (0.54) has it, a request's cycle is started when its head is complete. Here it is held until the piece
    of data that completed the head is read: most requests are whole by then.

    Clients send heads that are alike to the last byte but for the length of the body. What the parser made of one that
    came at the beginning of a piece is remembered, by a hash, for it holds a key: the same bytes at the same place have
    the same meaning, and need not be parsed again.
    """

    _known_heads: ClassVar[dict[bytes, _Head]] = {}

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._direct: Direct | None = getattr(self.config.app, "direct", None)
        # Whether the parser stands between two requests.
        self._is_between = True
        # While data is read: the head that it began with, if it began with one.
        self._is_reading = False
        self._first_head = b""
        self._held: _Held | None = None

    def data_received(self, data: bytes) -> None:
        if self._direct is None:
            super().data_received(data)
            return
        head = _head_of(data) if self._is_quiet else b""
        if head and self._take_known(self._direct, head, data):
            return
        self._is_reading, self._first_head = True, head
        try:
            super().data_received(data)
        finally:
            self._is_reading, self._first_head = False, b""
            if held := self._let_go():
                super()._start_asgi_task(held.cycle, held.application)

    def on_message_begin(self) -> None:
        self._is_between = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        # What else the data brings, it did not begin with.
        self._is_between, self._first_head = True, b""
        super().on_message_complete()
        if held := self._let_go():
            self._offer(*held)

    @property
    def _is_quiet(self) -> bool:
        """Whether nothing is under way on this connection, in either direction."""
        return (
            self._is_between
            and (self.cycle is None or self.cycle.response_complete)
            and not (self.flow.write_paused or self.server_state.leaving or self.transport.is_closing())
        )

    def _take_known(self, direct: Direct, head: bytes, data: bytes) -> bool:
        """Takes a request that is all of the data, with a head that is remembered."""
        known = self._known_heads.get(_hash(head))
        if known is None or len(data) != len(head) + known.body_bytes:
            return False
        cycle = self._cycle_without_scope()
        if not direct.take(known.recognised, data[len(head) :], partial(self._respond, cycle)):
            return False
        self.cycle = cycle
        self._unset_keepalive_if_required()
        self._expected()
        return True

    def _cycle_without_scope(self) -> RequestResponseCycle:
        """What uvicorn asks about a request that is under way. No application is called with it."""
        return RequestResponseCycle(
            scope={},  # type: ignore[typeddict-item]
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=True,
            on_response=self.on_response_complete,
        )

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        recognised = self._direct.recognise(cycle.scope) if self._direct and app is self.app else None
        if recognised is None:
            super()._start_asgi_task(cycle, app)
        elif not cycle.more_body:
            # It came behind another one, and waited for that one's answer.
            self._offer(cycle, app, recognised)
        elif self._is_reading:
            self._held = _Held(cycle, app, recognised)
            self._remember_head(cycle, recognised)
        else:
            super()._start_asgi_task(cycle, app)

    def _remember_head(self, cycle: RequestResponseCycle, recognised: Any) -> None:
        length = _length_of_body(self.headers)
        if self._first_head and length is not None and cycle.keep_alive and not cycle.waiting_for_100_continue:
            if len(self._known_heads) >= _MOST_HEADS:
                self._known_heads.clear()
            self._known_heads[_hash(self._first_head)] = _Head(recognised, length)

    def _let_go(self) -> _Held | None:
        held, self._held = self._held, None
        return held

    def _offer(self, cycle: RequestResponseCycle, application: Any, recognised: Any) -> None:
        assert self._direct is not None  # noqa: S101 - it recognised the request
        # A client that does not read its answers goes the way that waits for it.
        if self.flow.write_paused or not self._direct.take(
            recognised, bytes(cycle.body), partial(self._respond, cycle)
        ):
            super()._start_asgi_task(cycle, application)

    def _respond(self, cycle: RequestResponseCycle, answer: Answer) -> None:
        """As the cycle's own `send` would: one answer, in one write."""
        if cycle.disconnected or self.transport.is_closing():
            return
        lines = [STATUS_LINE[answer.status]]
        for name, value in (*self.server_state.default_headers, *answer.raw_headers):
            lines += (name, b": ", value, b"\r\n")
        if not cycle.keep_alive:
            lines.append(b"connection: close\r\n")
        lines += (b"\r\n", answer.body)
        self.transport.write(b"".join(lines))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()


def _head_of(data: bytes) -> bytes:
    """The head that the data begins with; empty where it does not hold the whole of one, or a long one."""
    end = data.find(_HEAD_ENDS, 0, _HEAD_BYTES)
    return data[: end + len(_HEAD_ENDS)] if end > 0 else b""


def _hash(head: bytes) -> bytes:
    return blake2b(head, digest_size=16).digest()


def _length_of_body(headers: list[tuple[bytes, bytes]]) -> int | None:
    """As the headers say it; None where they do not, or say that it comes in chunks."""
    found = dict(headers)
    length = found.get(b"content-length", b"")
    return int(length) if length.isdigit() and b"transfer-encoding" not in found else None
