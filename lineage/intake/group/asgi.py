"""The intake under an asynchronous server: receives requests before Django's handler and passes other paths on.

The event loop judges, reads and decodes; the committers' threads speak to the database; a few threads do what may
block otherwise: a key that is not remembered yet, large bodies and batches, refusals.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from time import perf_counter
from typing import Any, Final

from lineage.intake import answers
from lineage.intake.answers import Answer
from lineage.intake.exchange import Exchange, Head
from lineage.intake.group.budget import Share
from lineage.intake.group.engine import Engine
from lineage.intake.group.slots import Slots
from lineage.intake.routes import Target, is_read, target_of
from lineage.intake.transport import is_exposed

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

# Large bodies that are inflated and decoded at a time: each may take 16 MiB and more. Two at once would each take twice
# as long, since decoding holds the interpreter's lock, and leave less of it to everybody else.
LARGE_AT_ONCE = 1
# Larger bodies are decoded in a thread: their time would be everybody's. So are batches, where 20 KB may take 0.2 s.
DECODED_IN_LOOP_BYTES: Final = 128 * 1024
# A body may take its time to arrive, but not for ever.
READ_SECONDS = 30.0

_TOO_SLOW = "the body is too slow"
# The order is that of Head's fields.
_HEADERS_OF_HEAD = (b"authorization", b"content-encoding", b"content-length")
_HEADERS_READ = (*_HEADERS_OF_HEAD, b"x-forwarded-proto")


class _Disconnected(Exception):
    """Raised if the client went away before its body was whole: there is nobody to answer."""


class IntakeInFront:
    def __init__(self, application: Application) -> None:
        self._application = application
        self._engine = Engine()
        self._large = Slots(LARGE_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = _target(scope) if scope["type"] == "http" else None
        if target is None:
            await self._application(scope, receive, send)
            return
        self._engine.open()
        began = perf_counter()
        exchange = Exchange(target)
        try:
            answer = await self._answer(exchange, _head(scope), receive)
            await self._engine.write_attempts(exchange)
        except _Disconnected:
            return
        finally:
            self._engine.close()
            exchange.account(perf_counter() - began)
        await _send(answer, send)

    def stop(self) -> None:
        """Ends the intake's own thread after what waits is committed."""
        self._engine.stop()

    async def _answer(self, exchange: Exchange, head: Head, receive: Receive) -> Answer:
        try:
            if not exchange.admit_remembered(head):
                await self._engine.admission.admit(exchange, head)
            exchange.expect_body(head)
            with Share(self._engine.budget, exchange.sharer) as share:
                await _read(exchange, receive, share)
                await self._decode(exchange, share)
                if exchange.needs_routing:
                    return await self._answer_routed(exchange)
                return exchange.conclude(await self._engine.commit(exchange.submission, share.size))
        except _Disconnected:
            raise
        except Exception as fault:  # noqa: BLE001 - it is answered, and logged unless it was expected
            return await self._engine.refuse(exchange, fault)

    async def _answer_routed(self, exchange: Exchange) -> Answer:
        """Answers events of a workspace key. If one of their connections has to be tried again, all of them have."""
        await self._engine.routing.route(exchange)
        commits = [
            self._engine.commit(submission, sum(len(event.body) for event in submission.events))
            for submission in exchange.submissions
        ]
        results = await asyncio.gather(*commits, return_exceptions=True)
        committed = []
        for result in results:
            if isinstance(result, BaseException):
                raise result
            committed.append(result)
        return exchange.conclude_all(committed)

    async def _decode(self, exchange: Exchange, share: Share) -> None:
        if not exchange.is_batch and exchange.body.inflate_if_small(DECODED_IN_LOOP_BYTES):
            exchange.decode()
        else:
            async with self._large.taken(exchange.sharer, share.size):
                await self._engine.in_thread(exchange.decode)
        share.hold(exchange.size)


def _target(scope: Scope) -> Target | None:
    return None if is_read(scope["method"], scope["path"]) else target_of(scope["path"])


def _head(scope: Mapping[str, Any]) -> Head:
    found: dict[bytes, str] = {
        name: value.decode("latin-1") for name, value in scope["headers"] if name in _HEADERS_READ
    }
    exposed = is_exposed(
        scheme=scope["scheme"],
        forwarded_proto=found.get(b"x-forwarded-proto"),
        client=scope["client"][0] if scope["client"] else None,
    )
    return Head(scope["method"], exposed, *map(found.get, _HEADERS_OF_HEAD))


async def _read(exchange: Exchange, receive: Receive, share: Share) -> None:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in one
    # Does what asyncio.timeout does, for a quarter of its price.
    timer = asyncio.get_running_loop().call_later(READ_SECONDS, task.cancel, _TOO_SLOW)
    try:
        while await _read_chunk(exchange, receive, share):
            pass
    except asyncio.CancelledError as cancelled:
        if cancelled.args != (_TOO_SLOW,):
            raise
        task.uncancel()
        raise answers.body_too_slow(READ_SECONDS) from None
    finally:
        timer.cancel()


async def _read_chunk(exchange: Exchange, receive: Receive, share: Share) -> bool:
    """Reads a chunk of the body. Returns True if there is more to come."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _Disconnected
    chunk = message.get("body", b"")
    share.hold(share.size + len(chunk))
    exchange.body.add(chunk)
    return bool(message.get("more_body", False))


async def _send(answer: Answer, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.raw_headers})
    await send({"type": "http.response.body", "body": answer.body})
