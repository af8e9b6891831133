"""The short way of a request that came whole and waits for nothing but its commit: two function calls, no task.

As an ASGI application each request is a task, coroutines within one another, events and timers, which together cost
more than decoding it does. What may have to wait for anything else goes that way all the same (lineage/intake/asgi.py):
`take` declines it before anything is counted.
"""

import asyncio
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Final, NamedTuple

from django.conf import settings

from connections.verification import Fingerprint, fingerprint_of, remembered_key
from lineage.intake.answers import Answer, Rejection
from lineage.intake.engine import Engine, Outcome
from lineage.intake.exchange import Exchange, bearer, head_of
from lineage.intake.routes import Target, target_of

# Larger bodies are decoded in a thread: their time would be everybody's.
DECODED_IN_LOOP_BYTES: Final = 128 * 1024

Respond = Callable[[Answer], None]


class Recognised(NamedTuple):
    """What a request's head asks for, where the short way may do: it holds no secret."""

    target: Target
    fingerprint: Fingerprint


class Direct:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # The event loop keeps no task alive by itself.
        self._tasks: set[asyncio.Task[None]] = set()

    def recognise(self, scope: Mapping[str, Any]) -> Recognised | None:
        """Judges a head by itself: of equal ones the result is the same at any time. None: it goes the long way."""
        target, head = target_of(scope["path"]), head_of(scope)
        if target is None or target.unknown_path or head.method != "POST" or head.content_encoding:
            return None
        return Recognised(target, fingerprint_of(bearer(head.authorization)))

    def take(self, recognised: Recognised, body: bytes, respond: Respond) -> bool:
        """Takes a request whose body is whole, and later calls `respond`, once. False: it is not taken, and has to go
        the long way."""
        size, target = len(body), recognised.target
        if size > min(DECODED_IN_LOOP_BYTES, settings.INTAKE_MAX_BODY_BYTES) or self._engine.is_full:
            return False
        key = remembered_key(recognised.fingerprint)
        if key is None or not target.is_of(key.connection_id):
            return False
        self._engine.open()
        self._engine.budget.held += size
        request = _Request(Exchange(target, key), size, perf_counter(), respond)
        try:
            request.exchange.decode(body)
            self._engine.commit(request.exchange.submission, size, lambda outcome: self._conclude(request, outcome))
        except Exception as fault:  # noqa: BLE001 - it is answered, and logged unless it was expected
            self._later(request, fault)
        return True

    def _conclude(self, request: "_Request", outcome: Outcome) -> None:
        if isinstance(outcome, Rejection):
            self._later(request, outcome)
            return
        try:
            answer = request.exchange.conclude(outcome)
        except Exception as fault:  # noqa: BLE001 - as above
            self._later(request, fault)
            return
        if sampled := self._engine.sampled(request.exchange):
            self._later(request, answer, sampled)
        else:
            self._end(request, answer)

    def _later(self, request: "_Request", answer: Answer | Exception, sampled: Any = None) -> None:
        """Answers once what may block is done. Rare."""
        task = asyncio.get_running_loop().create_task(self._end_later(request, answer, sampled))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end_later(self, request: "_Request", answer: Answer | Exception, sampled: Any) -> None:
        if isinstance(answer, Exception):
            answer = await self._engine.refuse(request.exchange, answer)
            sampled = self._engine.sampled(request.exchange)
        await self._engine.write(sampled)
        self._end(request, answer)

    def _end(self, request: "_Request", answer: Answer) -> None:
        self._engine.budget.held -= request.size
        self._engine.close()
        request.exchange.account(perf_counter() - request.began)
        request.respond(answer)


class _Request:
    __slots__ = ("began", "exchange", "respond", "size")

    def __init__(self, exchange: Exchange, size: int, began: float, respond: Respond) -> None:
        self.exchange, self.size, self.began, self.respond = exchange, size, began, respond
