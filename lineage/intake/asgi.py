"""The intake under an asynchronous server: stands in front of Django's handler and passes all other paths on.

The event loop judges, reads and decodes; the committer's thread speaks to the database; a few threads do what may
block otherwise: a key that is not remembered yet, large bodies, refusals.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import structlog
from django.db import connection

from lineage.intake import answers, attempts
from lineage.intake.answers import Answer, Rejection
from lineage.intake.attempts import Sampler
from lineage.intake.commit import Committed, DatabaseFault
from lineage.intake.committer import Committer, Waiting
from lineage.intake.exchange import Exchange, Head
from lineage.intake.routes import target_of
from lineage.sql.sessions import replace_ended_sessions, survive_lost_session

log = structlog.get_logger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]
Future = asyncio.Future[Committed | None]

T = TypeVar("T")

THREADS = 8
# Larger bodies are decoded in a thread: their time would be everybody's.
DECODED_IN_LOOP_BYTES = 128 * 1024
# What one process holds of bodies at most, read in part or waiting for the committer. Beyond it: 503.
MAX_HELD_BYTES = 64 * 1024 * 1024
MAX_WAITING_REQUESTS = 2000


class _Disconnected(Exception):
    """The client went away before its body was whole: there is nobody to answer."""


class IntakeInFront:
    def __init__(self, application: Application) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="intake")
        self._sampler = Sampler()
        self._committer: Committer[Future] = Committer(_deliver)
        self._held_bytes = 0
        self._waiting_requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = target_of(scope["path"]) if scope["type"] == "http" else None
        if target is None:
            await self._application(scope, receive, send)
            return
        exchange = Exchange(target, _head(scope))
        try:
            answer = await self._answer(exchange, receive)
        except _Disconnected:
            return
        await _send(answer, send)

    async def _answer(self, exchange: Exchange, receive: Receive) -> Answer:
        held = [0]
        try:
            if not exchange.admit_remembered():
                await self._in_thread(exchange.admit)
            await self._read(exchange, receive, held)
            await self._decode(exchange, held[0])
            answer = exchange.conclude(await self._commit(exchange, held[0]))
        except Rejection as rejection:
            return await self._in_thread(exchange.refuse, rejection)
        except DatabaseFault as error:
            log.warning("intake_unavailable", error=str(error), error_type=type(error).__name__)
            await self._in_thread(replace_ended_sessions)
            return await self._in_thread(exchange.refuse, answers.database_away())
        finally:
            self._held_bytes -= held[0]
        sampled = [attempt for attempt in exchange.attempts if self._sampler.takes(attempt)]
        if sampled:
            await self._in_thread(attempts.write, sampled)
        return answer

    async def _read(self, exchange: Exchange, receive: Receive, held: list[int]) -> None:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Disconnected
            chunk = message.get("body", b"")
            held[0] += len(chunk)
            self._held_bytes += len(chunk)
            if self._held_bytes > MAX_HELD_BYTES:
                raise answers.try_again("Too many large requests came at once.")
            exchange.body.add(chunk)
            more = message.get("more_body", False)

    async def _decode(self, exchange: Exchange, size: int) -> None:
        if size <= DECODED_IN_LOOP_BYTES and not exchange.body.is_compressed:
            exchange.decode()
        else:
            await self._in_thread(exchange.decode)

    async def _commit(self, exchange: Exchange, size: int) -> Committed:
        if self._waiting_requests >= MAX_WAITING_REQUESTS:
            raise answers.try_again("Too many requests waited.")
        future: Future = asyncio.get_running_loop().create_future()
        self._waiting_requests += 1
        self._committer.put(Waiting(exchange.submission, size, future))
        try:
            committed = await future
        finally:
            self._waiting_requests -= 1
        if committed is None:
            raise answers.database_away()
        return committed

    async def _in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _pooled, function, *arguments)


def _deliver(results: Sequence[tuple[Waiting[Future], Committed | None]]) -> None:
    """Wakes the requests of one turn, in their event loop."""
    results[0][0].ticket.get_loop().call_soon_threadsafe(_resolve, results)


def _resolve(results: Sequence[tuple[Waiting[Future], Committed | None]]) -> None:
    for waiting, committed in results:
        if not waiting.ticket.done():  # else its client went away
            waiting.ticket.set_result(committed)


def _pooled(function: Callable[..., T], *arguments: Any) -> T:
    try:
        return survive_lost_session(partial(function, *arguments))
    finally:
        # Gives the session back to the pool.
        connection.close()


def _head(scope: Scope) -> Head:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Head(
        method=scope["method"],
        authorization=headers.get("authorization"),
        content_encoding=headers.get("content-encoding"),
        content_length=headers.get("content-length"),
    )


async def _send(answer: Answer, send: Send) -> None:
    body = answer.body
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
