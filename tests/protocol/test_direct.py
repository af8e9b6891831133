"""Which requests are offered to the application whole, over real sockets; the others are handled as ASGI has it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from uvicorn import Config

from observability.direct import DirectProtocol
from observability.protocol import State

SECONDS = 10
PATH = "/direct"


@dataclass(frozen=True)
class Answer:
    body: bytes
    status: int = 201
    raw_headers: list[tuple[bytes, bytes]] = field(default_factory=list)


@dataclass
class Application:
    """Answers with what way a request came, and its body. `declines` are bodies that it does not take."""

    declines: set[bytes] = field(default_factory=set)
    recognised: int = 0
    # Of requests that are taken while it is set: to be called by the test.
    waiting: list[Callable[[], None]] | None = None

    @property
    def direct(self) -> "Application":
        return self

    def recognise(self, scope: Mapping[str, Any]) -> str | None:
        self.recognised += 1
        return scope["path"] if scope["path"] == PATH and scope["method"] == "POST" else None

    def take(self, _recognised: str, body: bytes, respond: Callable[[Answer], None]) -> bool:
        if body in self.declines:
            return False
        said = b"whole " + body
        answer = Answer(said, raw_headers=[(b"content-length", b"%d" % len(said))])
        if self.waiting is None:
            asyncio.get_running_loop().call_soon(respond, answer)
        else:
            self.waiting.append(lambda: respond(answer))
        return True

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        said = b"pieces "
        while (message := await receive())["type"] == "http.request":
            said += message["body"]
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
        await send({"type": "http.response.body", "body": said})


class Counting(DirectProtocol):
    received = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        Counting.received += len(data)


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, *pieces: bytes) -> None:
        """The server has read each before the next one is sent."""
        for piece in pieces:
            expected = Counting.received + len(piece)
            self._writer.write(piece)
            async with asyncio.timeout(SECONDS):
                while Counting.received < expected:
                    await asyncio.sleep(0)

    async def answer(self) -> bytes:
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), SECONDS)
        [length] = [line for line in head.split(b"\r\n") if line.startswith(b"content-length")]
        return await self._reader.readexactly(int(length.split()[1]))

    async def is_hung_up_on(self) -> bool:
        return await asyncio.wait_for(self._reader.read(), SECONDS) == b""


Conversation = Callable[[Client], Awaitable[None]]


@pytest.fixture(autouse=True)
def no_known_heads() -> Iterator[None]:
    DirectProtocol._known_heads.clear()
    yield
    DirectProtocol._known_heads.clear()


def converse(application: Application, conversation: Conversation) -> None:
    async def run() -> None:
        config = Config(application, http=DirectProtocol, ws="none", lifespan="off", access_log=False)
        config.load()
        state, loop = State(), asyncio.get_running_loop()
        server = await loop.create_server(lambda: Counting(config, state, {}, loop), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            await conversation(Client(reader, writer))
        finally:
            writer.close()
            server.close()

    # In a thread of its own: browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, run()).result()


def post(body: bytes, *lines: bytes, path: str = PATH, version: str = "1.1") -> bytes:
    head = [f"POST {path} HTTP/{version}".encode(), b"Host: here", b"Content-Length: %d" % len(body), *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def test_equal_heads_are_judged_once() -> None:
    application = Application()

    async def conversation(client: Client) -> None:
        for body in (b"first", b"other", b"third"):
            await client.send(post(body))
            assert await client.answer() == b"whole " + body

    converse(application, conversation)
    assert application.recognised == 1


def test_a_head_that_was_seen_says_nothing_of_another() -> None:
    application = Application()

    async def conversation(client: Client) -> None:
        for body, lines, way in (
            (b"first", (), b"whole "),
            (b"longer one", (), b"whole "),
            (b"first", (b"X: y",), b"whole "),
            (b"", (), b"whole "),
        ):
            await client.send(post(body, *lines))
            assert await client.answer() == way + body
        await client.send(post(b"first", path="/elsewhere"))
        assert await client.answer() == b"pieces first"

    converse(application, conversation)
    assert application.recognised == 5


@pytest.mark.parametrize("cut", range(1, len(post(b"first")) - 1, 7))
def test_one_in_pieces_goes_the_other_way_unless_its_body_is_in_one(cut: int) -> None:
    """Also where its head was seen before."""
    request = post(b"first")
    way = b"whole " if cut < request.index(b"\r\n\r\n") else b"pieces "

    async def conversation(client: Client) -> None:
        for _ in range(2):
            await client.send(request[:cut], request[cut:])
            assert await client.answer() == way + b"first"
            await client.send(request)
            assert await client.answer() == b"whole first"

    converse(Application(), conversation)


def test_chunks_are_taken_when_they_came_whole_and_never_known() -> None:
    request = b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
    application = Application()

    async def conversation(client: Client) -> None:
        for body in (b"5\r\nfirst\r\n0\r\n\r\n", b"6\r\nsecond\r\n0\r\n\r\n"):
            await client.send(request + body)
            assert await client.answer() == b"whole " + body.split(b"\r\n")[1]

    converse(application, conversation)
    assert application.recognised == 2


def test_several_at_once_are_answered_in_their_order() -> None:
    async def conversation(client: Client) -> None:
        for _ in range(2):
            await client.send(post(b"first") + post(b"second") + post(b"third", path="/elsewhere") + post(b"first"))
            answers = [await client.answer() for _ in range(4)]
            assert answers == [b"whole first", b"whole second", b"pieces third", b"whole first"]
            await client.send(post(b"first"))
            assert await client.answer() == b"whole first"

    converse(Application(), conversation)


def test_one_behind_another_that_waits() -> None:
    application = Application(waiting=[])
    waiting = application.waiting
    assert waiting is not None

    async def conversation(client: Client) -> None:
        for _ in range(2):
            await client.send(post(b"first"), post(b"second"))
            assert len(waiting) == 1
            waiting.pop()()
            assert await client.answer() == b"whole first"
            waiting.pop()()
            assert await client.answer() == b"whole second"

    converse(application, conversation)


def test_what_is_declined_goes_the_other_way() -> None:
    application = Application(declines={b"bad"})

    async def conversation(client: Client) -> None:
        for body, way in ((b"bad", b"pieces "), (b"god", b"whole "), (b"bad", b"pieces "), (b"god", b"whole ")):
            await client.send(post(body))
            assert await client.answer() == way + body

    converse(application, conversation)


@pytest.mark.parametrize(("lines", "version"), [((b"Connection: close",), "1.1"), ((), "1.0")])
def test_a_connection_that_is_not_kept(lines: tuple[bytes, ...], version: str) -> None:
    async def conversation(client: Client) -> None:
        await client.send(post(b"first", *lines, version=version))
        assert await client.answer() == b"whole first"
        assert await client.is_hung_up_on()

    for _ in range(2):
        converse(Application(), conversation)
    assert not DirectProtocol._known_heads


def test_what_is_no_request_after_one_that_was_known() -> None:
    async def conversation(client: Client) -> None:
        for _ in range(2):
            await client.send(post(b"first"))
            assert await client.answer() == b"whole first"
        await client.send(b"\0\0\0")
        assert b"Invalid HTTP request" in await client._reader.read()

    converse(Application(), conversation)
