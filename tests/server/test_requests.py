"""Requests over real sockets, whole, in pieces and several at once: each is answered in its turn."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from uvicorn import Config

from server import protocol
from server.protocol import BoundedProtocol, State

SECONDS = 10
PATH = "/here"
CHUNKED = f"POST {PATH} HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n".encode()


@dataclass
class Application:
    """Application that answers with the path and the body of a request."""

    # Requests that arrive while it is set: each is answered when the test calls its function.
    waiting: list[Callable[[], None]] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        said = scope["path"].encode() + b" "
        while (message := await receive())["type"] == "http.request":
            said += message["body"]
            if not message["more_body"]:
                break
        if self.waiting is not None:
            answered = asyncio.Event()
            self.waiting.append(answered.set)
            await answered.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
        await send({"type": "http.response.body", "body": said})


class Counting(BoundedProtocol):
    received = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        Counting.received += len(data)


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, *pieces: bytes) -> None:
        """Send pieces, each after the server has read the one before."""
        for piece in pieces:
            expected = Counting.received + len(piece)
            self._writer.write(piece)
            await until(lambda expected=expected: Counting.received >= expected)  # type: ignore[misc]

    async def answer(self) -> bytes:
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), SECONDS)
        [length] = [line for line in head.split(b"\r\n") if line.startswith(b"content-length")]
        return await self._reader.readexactly(int(length.split()[1]))

    async def rest(self) -> bytes:
        """Read until the server closes the connection."""
        return await asyncio.wait_for(self._reader.read(), SECONDS)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0)


Conversation = Callable[[Client], Awaitable[None]]


def converse(conversation: Conversation, application: Application | None = None) -> None:
    async def run() -> None:
        config = Config(application or Application(), http=BoundedProtocol, ws="none", lifespan="off", access_log=False)
        config.load()
        state, loop = State(), asyncio.get_running_loop()
        server = await loop.create_server(lambda: Counting(config, state, {}, loop), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            await conversation(Client(reader, writer))
        finally:
            writer.close()
            server.close()

    # In another thread, because browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, run()).result()


def post(body: bytes, *lines: bytes, path: str = PATH, version: str = "1.1") -> bytes:
    head = [f"POST {path} HTTP/{version}".encode(), b"Host: here", b"Content-Length: %d" % len(body), *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def test_a_connection_is_kept_for_requests_of_all_kinds() -> None:
    async def conversation(client: Client) -> None:
        for body, lines in ((b"first", ()), (b"longer one", ()), (b"first", (b"X: y",)), (b"", ()), (b"other", ())):
            await client.send(post(body, *lines))
            assert await client.answer() == b"/here " + body
        await client.send(post(b"first", path="/elsewhere"))
        assert await client.answer() == b"/elsewhere first"

    converse(conversation)


@pytest.mark.parametrize("cut", range(1, len(post(b"first")) - 1, 7))
def test_a_request_in_pieces_is_answered_as_one_that_came_whole(cut: int) -> None:
    request = post(b"first")

    async def conversation(client: Client) -> None:
        for _ in range(2):
            await client.send(request[:cut], request[cut:])
            assert await client.answer() == b"/here first"
            await client.send(request)
            assert await client.answer() == b"/here first"

    converse(conversation)


def test_chunks() -> None:
    async def conversation(client: Client) -> None:
        for body in (b"5\r\nfirst\r\n0\r\n\r\n", b"6\r\nsecond\r\n0\r\n\r\n"):
            await client.send(CHUNKED + body)
            assert await client.answer() == b"/here " + body.split(b"\r\n")[1]
        await client.send(CHUNKED, b"5\r\nfir", b"st\r\n", b"6\r\nsecond\r\n0\r\n", b"\r\n")
        assert await client.answer() == b"/here firstsecond"

    converse(conversation)


def test_several_at_once_are_answered_in_their_order() -> None:
    async def conversation(client: Client) -> None:
        for _ in range(2):
            await client.send(post(b"first") + post(b"second") + post(b"third", path="/elsewhere") + post(b"first"))
            answers = [await client.answer() for _ in range(4)]
            assert answers == [b"/here first", b"/here second", b"/elsewhere third", b"/here first"]
            await client.send(post(b"first"))
            assert await client.answer() == b"/here first"

    converse(conversation)


def test_a_request_waits_for_the_answer_to_the_one_before_it() -> None:
    waiting: list[Callable[[], None]] = []

    async def conversation(client: Client) -> None:
        for _ in range(2):
            await client.send(post(b"first"), post(b"second"))
            for body in (b"first", b"second"):
                await until(lambda: bool(waiting))
                assert len(waiting) == 1
                waiting.pop()()
                assert await client.answer() == b"/here " + body

    converse(conversation, Application(waiting))


@pytest.mark.parametrize(("lines", "version"), [((b"Connection: close",), "1.1"), ((), "1.0")])
def test_a_connection_that_is_not_kept(lines: tuple[bytes, ...], version: str) -> None:
    async def conversation(client: Client) -> None:
        await client.send(post(b"first", *lines, version=version))
        assert await client.answer() == b"/here first"
        assert await client.rest() == b""

    converse(conversation)


def test_what_is_no_request_ends_the_connection() -> None:
    async def conversation(client: Client) -> None:
        for _ in range(2):
            await client.send(post(b"first"))
            assert await client.answer() == b"/here first"
        await client.send(b"\0\0\0")
        assert b"Invalid method" in await client.rest()

    converse(conversation)


@pytest.mark.parametrize("before", [b"", post(b"first")])
def test_a_head_that_never_ends(monkeypatch: pytest.MonkeyPatch, before: bytes) -> None:
    """HTTP/0.9 has no more than its first line."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.5)

    async def conversation(client: Client) -> None:
        await client.send(before + b"GET /here\r\n")
        if before:
            assert await client.answer() == b"/here first"
        assert (await client.rest()).startswith(b"HTTP/1.1 408 ")

    converse(conversation)
