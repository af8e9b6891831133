"""The intake under an asynchronous server: stands in front of Django's handler and passes all other paths on.

The event loop judges, reads and decodes; the committer's thread speaks to the database; a few threads do what may
block otherwise: a key that is not remembered yet, large bodies, refusals.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter
from typing import Any, TypeVar

import structlog
from django.db import connection

from connections.metrics import ATTEMPTS_DROPPED, Drop
from lineage.intake import answers, attempts
from lineage.intake.answers import Answer
from lineage.intake.attempts import Sampler
from lineage.intake.budget import Budget, Share
from lineage.intake.commit import Committed
from lineage.intake.committer import Committer, Waiting
from lineage.intake.exchange import Exchange, Head
from lineage.intake.levels import Level, Levels
from lineage.intake.routes import target_of
from lineage.sql.sessions import survive_lost_session

log = structlog.get_logger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]
Future = asyncio.Future[Committed | None]

T = TypeVar("T")

THREADS = 8
# Of the large bodies that are inflated and decoded at a time: each may take 16 MiB and more.
LARGE_AT_ONCE = 2
# Larger bodies are decoded in a thread: their time would be everybody's.
DECODED_IN_LOOP_BYTES = 128 * 1024
MAX_WAITING_REQUESTS = 2000
# Senders wait 5 s for an answer. A body may take longer to arrive, but not for ever.
COMMIT_SECONDS = 4.0
READ_SECONDS = 30.0
# Attempts are written before the answer, so that who asks next sees them; but no answer waits longer for that, and
# where so many wait to be written, further ones are let go.
ATTEMPT_SECONDS = 0.25
MAX_WAITING_ATTEMPTS = 50


_TOO_SLOW = "the body is too slow"
# In the order of Head's fields.
_HEADERS_READ = (b"authorization", b"content-encoding", b"content-length")


class _Disconnected(Exception):
    """The client went away before its body was whole: there is nobody to answer."""


class IntakeInFront:
    def __init__(self, application: Application) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="intake")
        self._attempts_thread = ThreadPoolExecutor(1, thread_name_prefix="attempts")
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        self._sampler = Sampler()
        self._committer: Committer[Future] = Committer(_deliver)
        self._budget = Budget()
        self._open_requests = 0
        self._waiting_requests = 0
        self._waiting_attempts = 0
        self._levels = Levels(self._level)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = target_of(scope["path"]) if scope["type"] == "http" else None
        if target is None:
            await self._application(scope, receive, send)
            return
        self._open_requests += 1
        self._levels.follow()
        began = perf_counter()
        exchange = Exchange(target, _head(scope))
        try:
            answer = await self._answer(exchange, receive)
            await self._write_attempts(exchange)
        except _Disconnected:
            return
        finally:
            self._open_requests -= 1
            exchange.account(perf_counter() - began)
        await _send(answer, send)

    async def _answer(self, exchange: Exchange, receive: Receive) -> Answer:
        try:
            with Share(self._budget) as share:
                if not exchange.admit_remembered():
                    await self._in_thread(exchange.admit)
                await _read(exchange, receive, share)
                await self._decode(exchange, share)
                return exchange.conclude(await self._commit(exchange, share))
        except _Disconnected:
            raise
        except Exception as fault:  # noqa: BLE001 - it is answered, and logged unless it was expected
            if exchange.can_refuse_at_once(fault):
                return exchange.refuse(fault)
            return await self._in_thread(exchange.refuse, fault)

    async def _decode(self, exchange: Exchange, share: Share) -> None:
        if share.size <= DECODED_IN_LOOP_BYTES and not exchange.body.is_compressed:
            exchange.decode()
            return
        async with self._large:
            await self._in_thread(exchange.decode)
        share.hold(exchange.size)

    async def _commit(self, exchange: Exchange, share: Share) -> Committed:
        if self._waiting_requests >= MAX_WAITING_REQUESTS:
            raise answers.too_busy("Too many requests waited.")
        loop = asyncio.get_running_loop()
        future: Future = loop.create_future()
        self._waiting_requests += 1
        self._committer.put(Waiting(exchange.submission, share.size, future))
        timer = loop.call_later(COMMIT_SECONDS, _expire, future)
        try:
            committed = await future
        finally:
            timer.cancel()
            self._waiting_requests -= 1
        if committed is None:
            raise answers.database_away()
        return committed

    async def _write_attempts(self, exchange: Exchange) -> None:
        sampled = [attempt for attempt in exchange.attempts if self._sampler.takes(attempt)]
        if not sampled:
            return
        if self._waiting_attempts >= MAX_WAITING_ATTEMPTS:
            ATTEMPTS_DROPPED[Drop.BUSY].inc(len(sampled))
            return
        self._waiting_attempts += 1
        loop = asyncio.get_running_loop()
        writing = loop.run_in_executor(self._attempts_thread, _pooled, attempts.write, sampled)
        writing.add_done_callback(self._attempt_written)
        await asyncio.wait([writing], timeout=ATTEMPT_SECONDS)

    def _attempt_written(self, writing: "asyncio.Future[None]") -> None:
        self._waiting_attempts -= 1
        if error := writing.exception():
            log.error("attempts_not_written", error=type(error).__name__)

    def _level(self) -> Level:
        return Level(self._open_requests, self._waiting_requests, self._budget.held)

    async def _in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _pooled, function, *arguments)


async def _read(exchange: Exchange, receive: Receive, share: Share) -> None:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in one
    # As asyncio.timeout does, for a quarter of its price.
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
    """Whether there is more to come."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _Disconnected
    chunk = message.get("body", b"")
    share.hold(share.size + len(chunk))
    exchange.body.add(chunk)
    return bool(message.get("more_body", False))


def _expire(future: Future) -> None:
    if not future.done():
        future.set_exception(answers.database_slow())


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
    found: dict[bytes, str] = {
        name: value.decode("latin-1") for name, value in scope["headers"] if name in _HEADERS_READ
    }
    return Head(scope["method"], *map(found.get, _HEADERS_READ))


async def _send(answer: Answer, send: Send) -> None:
    body = answer.body
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
