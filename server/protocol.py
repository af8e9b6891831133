"""uvicorn's HTTP/1.1, with an end to everybody's patience: of slow clients, and of a worker that is told to stop.

uvicorn (0.54) waits without end for a request that never becomes whole, keeps a head of any size, and closes idle
connections at the moment it is told to stop, when the next request may be on its way: senders that do not repeat a
POST would lose that event.
"""

import asyncio
import socket
import sys
from typing import Any

from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from server.balance import Acceptor, Share

# From the connection, or a request's first byte, to the end of its head.
HEAD_SECONDS = 10.0
# As other servers have it; longer ones are cut off.
HEAD_BYTES = 64 * 1024
# From there to the end of the body: longer than the intake's own limit, which answers.
BODY_SECONDS = 40.0
# So long a connection that is idle when the worker is told to stop may still bring a request: that one is answered
# with `Connection: close`, and the client then goes elsewhere on its own account.
LINGER_SECONDS = 1.0
# So long a client may leave unread what it is sent.
UNREAD_SECONDS = 30


_HEAD_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def bound_unread_answers(listener: socket.socket) -> None:
    """Has the kernel end connections whose client does not read. Those that are accepted inherit it. Linux only."""
    if sys.platform == "linux" and listener.family in (socket.AF_INET, socket.AF_INET6):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000)


class State(ServerState):
    """What the connections of a worker share."""

    leaving = False
    # Of all connections of the server; None: there is one worker.
    share: Share | None = None

    def count_connections(self) -> None:
        if self.share is not None:
            self.share.set(len(self.connections))


class LeavingServer(Server):
    """Tells its connections when the worker is about to end, also those that come at that moment."""

    def __init__(self, config: Config, share: Share | None = None) -> None:
        super().__init__(config)
        self.server_state: State = State()
        self.server_state.share = share

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        share = self.server_state.share
        if share is None or sockets is None:
            await super().startup(sockets)
            return
        await super().startup(sockets=[])
        self.servers = [Acceptor(listener, self._make_protocol, share) for listener in sockets]  # type: ignore[misc]

    def _make_protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)  # type: ignore[no-any-return]

    async def shutdown(self, sockets: Any = None) -> None:
        self.server_state.leaving = True
        await super().shutdown(sockets)


class BoundedProtocol(HttpToolsProtocol):
    """A timer runs only while a request is incomplete, so one that arrives in a piece costs nothing."""

    server_state: State

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Within which what is under way must be complete; None: nothing is.
        self._expected_within: float | None = None
        self._deadline: asyncio.TimerHandle | None = None
        # Received of a head that is not complete, after the piece that it began in; None: none is under way.
        self._head_bytes: int | None = None
        self._piece_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self.server_state.count_connections()
        self._expect_within(HEAD_SECONDS)
        if self.server_state.leaving:
            self.shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expected()
        super().connection_lost(exc)
        self.server_state.count_connections()

    def data_received(self, data: bytes) -> None:
        self._piece_bytes = len(data)
        super().data_received(data)
        if self._head_bytes is not None:
            self._head_bytes += self._piece_bytes
            if self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
                self.transport.write(_HEAD_TOO_LARGE)
                self.transport.close()
        if self._expected_within is not None and self._deadline is None:
            self._expect_within(self._expected_within)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = -self._piece_bytes
        self._expected_within = HEAD_SECONDS

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._head_bytes = None
        self._expected()
        self._expected_within = BODY_SECONDS
        if self.server_state.leaving:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._expected()

    def shutdown(self) -> None:
        """As uvicorn's, but an idle connection is closed only after a while."""
        if self._is_idle:
            self.loop.call_later(LINGER_SECONDS, self._close_if_idle)
        else:
            super().shutdown()

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _close_if_idle(self) -> None:
        if self._is_idle and not self.transport.is_closing():
            self.transport.close()

    def _expect_within(self, seconds: float) -> None:
        self._expected_within = seconds
        self._deadline = self.loop.call_later(seconds, self._give_up)

    def _expected(self) -> None:
        self._expected_within = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self.flow.read_paused:
            # The client is not to blame: it is the worker that does not read on.
            self._expect_within(HEAD_SECONDS)
        elif not self.transport.is_closing():
            self.transport.close()
