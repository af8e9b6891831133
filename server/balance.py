"""Balances new connections among the workers of a server.

All workers wait at one listening socket, and libuv accepts connections until none is left. Of 64 clients that connected
at once, one of two workers got up to 54: one core then did most of the work while the other was idle. Here a worker
takes one connection at a time, and waits for workers that have fewer.
"""

import asyncio
import mmap
import socket
import struct
from collections.abc import Callable
from typing import Any, Final

import structlog

log = structlog.get_logger(__name__)

# Seconds that a worker with more connections waits for the others. It is short, because they may be busy or ending.
YIELD_SECONDS: Final = 0.003
# Seconds to wait after an error that this worker cannot solve, such as too many open files.
_RECOVER_SECONDS: Final = 1.0

_SLOTS: Final = 128
_COUNT: Final = struct.Struct("=i")
_FREE: Final = -1


class ConnectionCounts:
    """Number of connections of each worker. Each has a slot in memory that forked processes share."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _SLOTS * _COUNT.size)
        for slot in range(_SLOTS):
            self.set(slot, _FREE)

    def claim(self) -> int | None:
        """Return a free slot for a worker that is about to be forked; None: there is none. Only the master may call
        it."""
        slot = next((slot for slot, count in enumerate(self._all()) if count == _FREE), None)
        if slot is not None:
            self.set(slot, 0)
        return slot

    def set(self, slot: int, count: int) -> None:
        _COUNT.pack_into(self._memory, slot * _COUNT.size, count)

    def release(self, slot: int) -> None:
        self.set(slot, _FREE)

    def least(self) -> int:
        """Smallest number of connections of any worker."""
        return min((count for count in self._all() if count != _FREE), default=0)

    def _all(self) -> list[int]:
        return [count for (count,) in _COUNT.iter_unpack(self._memory[:])]


class WorkerConnections:
    """Number of connections of one worker."""

    def __init__(self, counts: ConnectionCounts, slot: int) -> None:
        self._counts, self._slot = counts, slot
        self._own = 0
        self._has_left = False

    def set(self, connections: int) -> None:
        self._own = connections
        if not self._has_left:
            self._counts.set(self._slot, connections)

    @property
    def is_ahead(self) -> bool:
        """Tell whether another worker has fewer connections."""
        return self._own > self._counts.least()

    def add_one(self) -> None:
        self.set(self._own + 1)

    def leave(self) -> None:
        """Release the slot when the worker accepts no more connections, so that other workers do not wait for it."""
        self._has_left = True
        self._counts.release(self._slot)


class Acceptor:
    """Accepts connections of a listening socket, as a replacement of asyncio.Server. Needs a running event loop."""

    def __init__(
        self, listener: socket.socket, make_protocol: Callable[[], asyncio.Protocol], connections: WorkerConnections
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener, self._make_protocol, self._connections = listener, make_protocol, connections
        self._has_yielded = False
        self._is_closed = False
        # The event loop keeps only weak references to tasks.
        self._tasks: set[asyncio.Task[Any]] = set()
        listener.setblocking(False)
        self._listen()

    def close(self) -> None:
        self._is_closed = True
        self._loop.remove_reader(self._listener)
        self._connections.leave()

    async def wait_closed(self) -> None:
        """Do nothing. asyncio.Server has this method; accepted connections are closed elsewhere."""

    def _listen(self) -> None:
        if not self._is_closed:
            self._loop.add_reader(self._listener, self._accept)

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._loop.call_later(seconds, self._listen)

    def _accept(self) -> None:
        if self._connections.is_ahead and not self._has_yielded:
            self._has_yielded = True
            self._pause(YIELD_SECONDS)
            return
        self._has_yielded = False
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another worker was faster, or the client hung up
        except OSError:
            log.exception("accept_failed")
            self._pause(_RECOVER_SECONDS)
            return
        self._connections.add_one()
        self._keep(self._loop.create_task(self._serve(connection)))

    async def _serve(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        if connection.family in (socket.AF_INET, socket.AF_INET6):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await self._loop.connect_accepted_socket(self._make_protocol, connection)

    def _keep(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
