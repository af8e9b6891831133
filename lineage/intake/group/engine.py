"""Shared by the requests of a process under an asynchronous server: committer, threads, and limits. For one event
loop."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

import structlog
from django.db import connection

from connections.metrics import ATTEMPTS_DROPPED, Drop
from lineage.database.sessions import survive_lost_session
from lineage.digest.digest import Submission
from lineage.intake import answers, attempts
from lineage.intake.answers import Answer, Rejection
from lineage.intake.attempts import Sampler
from lineage.intake.commit import Committed
from lineage.intake.exchange import Exchange
from lineage.intake.group.admission import ROUTING_THREADS, Admission
from lineage.intake.group.budget import Budget
from lineage.intake.group.lanes import Lanes
from lineage.intake.group.levels import Level, Levels
from lineage.intake.group.waiting import Waiting

log = structlog.get_logger(__name__)

T = TypeVar("T")

THREADS: Final = 8
MAX_WAITING_REQUESTS: Final = 2000
# The delay with which the end of a wait is noticed: a timer for each request would cost as much as reading its head.
_LOOK_EVERY_SECONDS: Final = 0.1
# Attempts are written before the answer, so that the next reader sees them; but no answer waits longer for that, and
# while so many wait to be written, further ones are dropped.
ATTEMPT_SECONDS: Final = 0.25
MAX_WAITING_ATTEMPTS: Final = 50

# The result of a submission, or a function that makes the refusal which asks its sender to try again.
_Outcome = Committed | Callable[[], Rejection]


_Ticket = asyncio.Future[_Outcome]


class Engine:
    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="intake")
        self._attempts_thread = ThreadPoolExecutor(1, thread_name_prefix="attempts")
        self._lanes: Lanes[_Ticket] = Lanes(self._deliver)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.admission = Admission(_pooled)
        self.routing = Admission(_pooled, name="routing", threads=ROUTING_THREADS)
        self.budget = Budget()
        self._sampler = Sampler()
        self._open_requests = 0
        self._waiting: set[Waiting[_Ticket]] = set()
        # A look for those whose time is over is planned.
        self._looks = False
        self._waiting_attempts = 0
        self._levels = Levels(lambda: Level(self._open_requests, len(self._waiting), self.budget.held))

    def open(self) -> None:
        """Counts a request in. `close` counts it out when it is answered or left."""
        self._open_requests += 1
        self._levels.follow()

    def close(self) -> None:
        self._open_requests -= 1

    async def commit(self, submission: Submission, size: int) -> Committed:
        """Has a submission committed, and waits for that. `size`: bytes of its events.

        Raises Rejection (503) where too many wait, where the database is away or slow, and where rows stay locked.
        """
        if len(self._waiting) >= MAX_WAITING_REQUESTS:
            raise answers.too_busy("Too many requests waited.")
        loop = self._running_loop()
        if not self._looks:
            self._looks = True
            loop.call_later(_LOOK_EVERY_SECONDS, self._give_up_overdue)
        waiting: Waiting[_Ticket] = Waiting(submission, size, loop.create_future())
        self._waiting.add(waiting)
        self._lanes.put(waiting)
        try:
            outcome = await waiting.ticket
        finally:
            self._waiting.discard(waiting)
        if isinstance(outcome, Committed):
            return outcome
        raise outcome()

    async def in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        """Runs a function that may block in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _pooled, function, *arguments)

    async def refuse(self, exchange: Exchange, fault: Exception) -> Answer:
        """`exchange.refuse`, in a thread where that may block."""
        if exchange.can_refuse_at_once(fault):
            return exchange.refuse(fault)
        return await self.in_thread(exchange.refuse, fault)

    async def write_attempts(self, exchange: Exchange) -> None:
        """Writes down a sample of its attempts, or lets them go. Takes ATTEMPT_SECONDS at most."""
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

    def stop(self) -> None:
        """Ends the committers' threads after what waits is committed."""
        self._lanes.stop()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    def _deliver(self, results: Sequence[tuple[Waiting[_Ticket], Committed | None]]) -> None:
        """Called by the committers' threads: hands the results of a turn to the event loop."""
        assert self._loop is not None  # noqa: S101 - set before anything is put
        self._loop.call_soon_threadsafe(self._settle, results)

    def _settle(self, results: Sequence[tuple[Waiting[_Ticket], Committed | None]]) -> None:
        for waiting, committed in results:
            if not waiting.ticket.done():
                waiting.ticket.set_result(committed or answers.database_away)

    def _give_up_overdue(self) -> None:
        """Gives up those whose time is over; looks again as long as there are others."""
        now = time.monotonic()
        for waiting in self._waiting:
            if not waiting.ticket.done() and waiting.give_up_overdue(now):
                waiting.ticket.set_result(answers.database_slow)
        self._looks = bool(self._waiting)
        if self._looks:
            self._running_loop().call_later(_LOOK_EVERY_SECONDS, self._give_up_overdue)

    def _attempt_written(self, writing: "asyncio.Future[None]") -> None:
        self._waiting_attempts -= 1
        if error := writing.exception():
            log.error("attempts_not_written", error=type(error).__name__)


def _pooled(function: Callable[..., T], *arguments: Any) -> T:
    try:
        return survive_lost_session(partial(function, *arguments))
    finally:
        # Gives the session back to the pool.
        connection.close()
