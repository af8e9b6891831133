"""What the requests of one process share under an asynchronous server: its committer, its threads, and how much of it
is under way. For one event loop."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

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
from lineage.intake.group.budget import Budget
from lineage.intake.group.committer import Committer, Waiting
from lineage.intake.group.levels import Level, Levels

log = structlog.get_logger(__name__)

T = TypeVar("T")

THREADS: Final = 8
MAX_WAITING_REQUESTS: Final = 2000
# Senders wait 5 s for an answer.
COMMIT_SECONDS: Final = 4.0
# So much later it may be noticed that they are over: a timer for each request would cost as much as reading its head.
_LOOK_EVERY_SECONDS: Final = 0.1
# Attempts are written before the answer, so that who asks next sees them; but no answer waits longer for that, and
# where so many wait to be written, further ones are let go.
ATTEMPT_SECONDS: Final = 0.25
MAX_WAITING_ATTEMPTS: Final = 50

# What became of a submission, or makes the refusal that asks its sender to try again. A refusal that was raised holds
# its traceback, and so the body: tickets, which stay until their time is over, must not keep one.
_Outcome = Committed | Callable[[], Rejection]


class _Ticket(NamedTuple):
    """Tells a request once what became of its submission: by the committer, or by the clock."""

    outcome: "asyncio.Future[_Outcome]"
    expires_at: float

    @property
    def is_settled(self) -> bool:
        """True also if the request was cancelled."""
        return self.outcome.done()


class Engine:
    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="intake")
        self._attempts_thread = ThreadPoolExecutor(1, thread_name_prefix="attempts")
        self._committer: Committer[_Ticket] = Committer(self._deliver)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.budget = Budget()
        self._sampler = Sampler()
        self._open_requests = 0
        # In the order in which they expire, those that are settled among them until their turn comes.
        self._tickets: deque[_Ticket] = deque()
        self._waiting_requests = 0
        self._waiting_attempts = 0
        self._levels = Levels(lambda: Level(self._open_requests, self._waiting_requests, self.budget.held))

    def open(self) -> None:
        """To be called for each request, and `close` when it is answered or left."""
        self._open_requests += 1
        self._levels.follow()

    def close(self) -> None:
        self._open_requests -= 1

    async def commit(self, submission: Submission, size: int) -> Committed:
        """Has a submission committed, and waits for that. `size`: bytes of its events.

        Raises Rejection (503) where too many wait, where the database is away, and after COMMIT_SECONDS.
        """
        if self._waiting_requests >= MAX_WAITING_REQUESTS:
            raise answers.too_busy("Too many requests waited.")
        loop = self._running_loop()
        ticket = _Ticket(loop.create_future(), loop.time() + COMMIT_SECONDS)
        if not self._tickets:
            loop.call_later(_LOOK_EVERY_SECONDS, self._expire)
        self._tickets.append(ticket)
        self._waiting_requests += 1
        self._committer.put(Waiting(submission, size, ticket))
        try:
            outcome = await ticket.outcome
        finally:
            self._waiting_requests -= 1
        if isinstance(outcome, Committed):
            return outcome
        raise outcome()

    async def in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        """For what may block."""
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
        """Ends the committer's thread after what waits is committed."""
        self._committer.stop()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    def _deliver(self, results: Sequence[tuple[Waiting[_Ticket], Committed | None]]) -> None:
        """Called by the committer's thread: hands the results of a turn to the event loop."""
        assert self._loop is not None  # noqa: S101 - set before anything is put
        self._loop.call_soon_threadsafe(self._settle, results)

    def _settle(self, results: Sequence[tuple[Waiting[_Ticket], Committed | None]]) -> None:
        for waiting, committed in results:
            if not waiting.ticket.is_settled:
                waiting.ticket.outcome.set_result(committed or answers.database_away)

    def _expire(self) -> None:
        """Gives up those whose time is over; looks again as long as there are others."""
        loop, tickets = self._running_loop(), self._tickets
        while tickets and (tickets[0].is_settled or tickets[0].expires_at <= loop.time()):
            ticket = tickets.popleft()
            if not ticket.is_settled:
                ticket.outcome.set_result(answers.database_slow)
        if tickets:
            loop.call_later(_LOOK_EVERY_SECONDS, self._expire)

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
