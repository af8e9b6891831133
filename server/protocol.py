"""uvicorn's HTTP/1.1 protocol, with limits for slow clients, strict about requests, patient when a worker has to stop.

uvicorn (0.54)
- waits for ever for an incomplete request, and accepts a head of any size;
- closes idle connections as soon as the worker has to stop. The next request may be on its way then, and senders that
  do not repeat a POST would lose that event;
- accepts ambiguous heads, and refuses a malformed request before it has answered those in front of it, which it has
  accepted;
- drops the response if the client closes its side of the connection after its request.
"""

import asyncio
import socket
import sys
from typing import Any

from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from server import refusals
from server.balance import Acceptor, WorkerConnections

# Seconds from the connection, or from a request's first byte, to the end of its head.
HEAD_SECONDS = 10.0
# Largest head, as in other servers.
HEAD_BYTES = 64 * 1024
# Seconds from there to the end of the body: longer than intake's own limit, which sends a response.
BODY_SECONDS = 40.0
# Seconds in which an idle connection may still bring a request after the worker was told to stop. The response has
# `Connection: close`, so that the client reconnects, to another worker.
LINGER_SECONDS = 1.0
# Seconds in which a client must read what it is sent.
UNREAD_SECONDS = 30
# Seconds in which the rest of a refused request is dropped. If the connection were closed with unread bytes, the kernel
# would reset it, and the client might lose the refusal.
DROP_SECONDS = 1.0


def limit_unread_responses(listener: socket.socket) -> None:
    """Make the kernel end connections whose client does not read. Accepted connections inherit it. Linux only."""
    if sys.platform == "linux" and listener.family in (socket.AF_INET, socket.AF_INET6):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000)


class State(ServerState):
    """State that the connections of a worker share."""

    leaving = False
    # Counts the worker's connections; None: there is only one worker.
    counted: WorkerConnections | None = None

    def count_connections(self) -> None:
        if self.counted is not None:
            self.counted.set(len(self.connections))


class LeavingServer(Server):
    """Server that tells its connections, also new ones, that the worker is about to end."""

    def __init__(self, config: Config, counted: WorkerConnections | None = None) -> None:
        super().__init__(config)
        self.server_state: State = State()
        self.server_state.counted = counted

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        counted = self.server_state.counted
        if counted is None or sockets is None:
            await super().startup(sockets)
            return
        await super().startup(sockets=[])
        self.servers = [Acceptor(listener, self._make_protocol, counted) for listener in sockets]  # type: ignore[misc]

    def _make_protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)  # type: ignore[no-any-return]

    async def shutdown(self, sockets: Any = None) -> None:
        self.server_state.leaving = True
        await super().shutdown(sockets)


class BoundedProtocol(HttpToolsProtocol):
    """HTTP protocol with limits. Its timer runs only while a request is incomplete, so a request in one piece costs
    nothing."""

    server_state: State

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Time limit of the head or body that is incomplete; None: neither is.
        self._expected_within: float | None = None
        self._deadline: asyncio.TimerHandle | None = None
        # Bytes of an incomplete head after the piece in which it began; None: no head is incomplete.
        self._head_bytes: int | None = None
        self._piece_bytes = 0
        # Response to a request that is refused here; None: none was. It is the last one of the connection.
        self._refusal: bytes | None = None
        self._has_client_ended = False

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
        if self._refusal is not None:
            return
        self._piece_bytes = len(data)
        super().data_received(data)
        if self._head_bytes is not None and self._refusal is None:
            self._head_bytes += self._piece_bytes
            if self._head_bytes > HEAD_BYTES:
                self._refuse(refusals.head_too_large(HEAD_BYTES))
        if self._expected_within is not None and self._deadline is None:
            self._expect_within(self._expected_within)

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn closes the connection
        """Handle that the client sends no more. Returns True, so that the connection stays open, if a response is to
        be sent."""
        self._has_client_ended = True
        if self._refusal is None:
            if self._head_bytes is not None or self._is_body_incomplete:
                self._refuse(refusals.incomplete())
            elif not self._is_idle:
                self.cycle.keep_alive = False
        return not self._is_idle

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - as in uvicorn
        """Refuse what is no HTTP request. uvicorn calls this while it handles the parser's error, which says why."""
        self._refuse(refusals.malformed(refusals.reason_of(sys.exception())))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = -self._piece_bytes
        self._expected_within = HEAD_SECONDS

    def on_headers_complete(self) -> None:
        refusals.check_head(self.parser.get_http_version(), self.headers)
        super().on_headers_complete()
        self._head_bytes = None
        self._expected()
        self._expected_within = BODY_SECONDS
        # An upgrade is refused by a response in HTTP/1.1. The parser has dropped what came with the request, so no
        # further request can follow.
        if self.server_state.leaving or self.parser.should_upgrade():
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._expected()

    def on_response_complete(self) -> None:
        was_last = not self.pipeline
        super().on_response_complete()
        if was_last and self._refusal is not None:
            self._end_with_refusal()

    def shutdown(self) -> None:
        """Shut down as uvicorn does, but close an idle connection only after a while."""
        if self._is_idle:
            self.loop.call_later(LINGER_SECONDS, self._close_if_idle)
        else:
            super().shutdown()

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    @property
    def _is_body_incomplete(self) -> bool:
        return not self._is_idle and self.cycle.more_body

    def _close_if_idle(self) -> None:
        if self._is_idle:
            self._close()

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    def _refuse(self, refusal: bytes) -> None:
        """End the connection with a refusal, after the responses to the requests that came whole before it."""
        self._expected()
        self._head_bytes = None
        self._refusal = refusal
        if self._is_idle:
            self._end_with_refusal()
        elif self._is_body_incomplete:
            self._forget_request()

    def _forget_request(self) -> None:
        """Forget the request whose body is refused."""
        if self.pipeline:
            # It is not handled yet: a request before it is still to be answered.
            self.pipeline.popleft()
            return
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        if self.cycle.response_started:
            self._close()
        else:
            self._end_with_refusal()

    def _end_with_refusal(self) -> None:
        assert self._refusal is not None  # noqa: S101 - the callers have checked it
        if self.transport.is_closing():
            return
        self.transport.write(self._refusal)
        if self._has_client_ended:
            self.transport.close()
            return
        self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(DROP_SECONDS, self._close)

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
            # The worker paused reading, so the client is not slow.
            self._expect_within(HEAD_SECONDS)
        elif self._head_bytes is not None:
            self._refuse(refusals.head_too_slow(HEAD_SECONDS))
        else:
            self._close()
