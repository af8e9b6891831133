"""Slots for work that is done a few at a time, shared out by connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from lineage.intake.group.fair import FairQueue


class Slots:
    """A semaphore that lets in the connection that had least so far. For one event loop."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._waiting: FairQueue[asyncio.Future[None]] = FairQueue()

    @asynccontextmanager
    async def taken(self, connection_id: UUID, cost: int) -> AsyncIterator[None]:
        """Holds a slot while the block runs, and waits for one first."""
        await self._acquire(connection_id, cost)
        try:
            yield
        finally:
            self._release()

    async def _acquire(self, connection_id: UUID, cost: int) -> None:
        if self._free:
            self._free -= 1
            return
        granted = asyncio.get_running_loop().create_future()
        self._waiting.put(connection_id, granted, cost)
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._release()
            raise

    def _release(self) -> None:
        while self._waiting:
            granted = self._waiting.take()
            if not granted.done():
                granted.set_result(None)
                return
        self._free += 1
