"""Admission of requests whose API keys the process does not remember, and routing of those with workspace keys: each
needs a query, so they take turns."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from lineage.intake import answers
from lineage.intake.exchange import Exchange, Head

# Each thread holds a session of the database, which pages and commits need, too.
THREADS: Final = 4
ROUTING_THREADS: Final = 2
# After a start, all senders come at once.
MAX_WAITING: Final = 2000
# Senders wait 5 s for an answer. A query that begins at the last moment may wait 1 s for a session of the database, and
# the note of the refusal 0.25 s to be written.
ADMISSION_SECONDS: Final = 3.0


class Admission:
    """Judges heads, or routes events, in threads of its own, so that unknown and wrong keys never delay requests with
    remembered ones. Each kind of work has an instance.

    For one event loop. `pooled` calls a function with a session of the database, and gives the session back.
    """

    def __init__(self, pooled: Callable[..., None], *, name: str = "admission", threads: int = THREADS) -> None:
        self._pooled = pooled
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._waiting = 0

    async def admit(self, exchange: Exchange, head: Head) -> None:
        """Judge a head. Raises Rejection: 503 if too many wait, or if its turn does not come in time."""
        await self._in_turn(exchange.admit, head)

    async def route(self, exchange: Exchange) -> None:
        """Find the connections of its events. Raises Rejection, also as above."""
        await self._in_turn(exchange.route)

    async def _in_turn(self, work: Callable[..., None], *arguments: Head) -> None:
        if self._waiting >= MAX_WAITING:
            raise answers.too_busy("Too many API keys waited to be verified.")
        self._waiting += 1
        deadline = time.monotonic() + ADMISSION_SECONDS
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._threads, self._work_before, deadline, work, *arguments
            )
        finally:
            self._waiting -= 1

    def _work_before(self, deadline: float, work: Callable[..., None], *arguments: Head) -> None:
        if time.monotonic() > deadline:
            raise answers.too_busy("The API key waited too long to be verified.")
        self._pooled(work, *arguments)
