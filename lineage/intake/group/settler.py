"""Settles runs that the committer's turns marked, in a thread of its own: answers do not wait for it."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

import structlog
from django.db import connection

from lineage.intake.settling import settle_marked

log = structlog.get_logger(__name__)

# A connection rests after its turn, as many times as long as that took, and a second at most. So a family of thousands
# of runs that grows event by event is settled now and then, and not at each event.
_REST: Final = 4.0
_LONGEST_REST: Final = 1.0


class Settler:
    """Settles connections in turns of one transaction each, in one thread for all of them. Thread-safe.

    `settle`: settles some marked runs of a connection, and returns True if there may be more.
    """

    def __init__(
        self,
        settle: Callable[[UUID], bool] = settle_marked,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settle, self._monotonic = settle, monotonic
        self._changed = threading.Condition()
        # Connection → when it is to be settled, and until when it rests.
        self._due: dict[UUID, float] = {}
        self._rests: dict[UUID, float] = {}
        self._is_ending = False
        self._thread: threading.Thread | None = None

    def put(self, connection_ids: Iterable[UUID]) -> None:
        """Has these connections settled soon."""
        with self._changed:
            for connection_id in connection_ids:
                self._due.setdefault(connection_id, self._rests.get(connection_id, 0.0))
            if self._due and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._run, name="settler", daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self) -> None:
        """Ends the thread after what waits is settled."""
        with self._changed:
            self._is_ending = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (connection_id := self._next()) is not None:
            began, has_more = self._monotonic(), False
            try:
                has_more = self._settle(connection_id)
            except Exception:
                # A defect of ours: the marks stay, and the thread lives on.
                log.exception("settling_failed", connection_id=str(connection_id))
            finally:
                # Gives the session back to the pool.
                connection.close()
            took = self._monotonic() - began
            with self._changed:
                self._rests[connection_id] = self._monotonic() + min(_REST * took, _LONGEST_REST)
            if has_more:
                self.put([connection_id])

    def _next(self) -> UUID | None:
        """Waits until a connection is due. None: it is the end, and nothing waits."""
        with self._changed:
            while True:
                now = self._monotonic()
                self._rests = {id_: until for id_, until in self._rests.items() if until > now}
                if self._due:
                    first = min(self._due, key=lambda id_: self._due[id_])
                    if self._is_ending or self._due[first] <= now:
                        del self._due[first]
                        return first
                    self._changed.wait(self._due[first] - now)
                elif self._is_ending:
                    return None
                else:
                    self._changed.wait()
