"""Group commit: one thread of the process commits what all its requests bring, in turns of one transaction each.

While a transaction is under way, the next requests gather; the committer then takes them all. It never lingers for
more: with one client a turn holds one event, with many it holds many, and the cost of a commit is shared.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

import structlog
from django.db import connection
from django.utils import timezone

from lineage.digest import Submission
from lineage.intake.accounting import commit_and_count
from lineage.intake.commit import Committed, DatabaseFault
from lineage.sql.sessions import replace_ended_sessions, what_happened

log = structlog.get_logger(__name__)

Ticket = TypeVar("Ticket")

# Of one transaction. Larger ones make the requests in them wait longer, and no event cheaper. Rows: events, and the
# datasets that they name.
MAX_EVENTS = 500
MAX_ROWS = 4000
MAX_BYTES = 16 * 1024 * 1024

_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Waiting(Generic[Ticket]):
    """A submission in the queue; `ticket` is whatever its sender is answered by, `size` the bytes of its events."""

    submission: Submission
    size: int
    ticket: Ticket


class Committer(Generic[Ticket]):
    """Calls `deliver` in its own thread, after each turn: what became of each, None where nothing was decided (the
    database is away) and so nothing was stored."""

    def __init__(self, deliver: Callable[[Sequence[tuple[Waiting[Ticket], Committed | None]]], None]) -> None:
        self._deliver = deliver
        # None ends the thread.
        self._queue: SimpleQueue[Waiting[Ticket] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def put(self, waiting: Waiting[Ticket]) -> None:
        """From one thread only. The caller bounds how much waits."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
            self._thread.start()
        self._queue.put(waiting)

    def stop(self) -> None:
        """Ends the thread after what waits is committed."""
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        waiting = self._queue.get()
        while waiting is not None:
            turn, following = self._take(waiting)
            self._deliver(list(zip(turn, self._commit(turn), strict=True)))
            waiting = self._queue.get() if following is _NOTHING else following
        connection.close()

    def _take(self, first: Waiting[Ticket]) -> tuple[list[Waiting[Ticket]], Any]:
        """All that waits, up to the bounds of a turn; and what was taken from the queue beyond it, if anything."""
        turn, events, rows, size = [first], len(first.submission.events), _rows(first), first.size
        while True:
            try:
                waiting = self._queue.get_nowait()
            except Empty:
                return turn, _NOTHING
            if waiting is None:
                return turn, None
            events += len(waiting.submission.events)
            rows += _rows(waiting)
            size += waiting.size
            if events > MAX_EVENTS or rows > MAX_ROWS or size > MAX_BYTES:
                return turn, waiting
            turn.append(waiting)

    def _commit(self, turn: Sequence[Waiting[Ticket]]) -> Sequence[Committed | None]:
        try:
            return commit_and_count([waiting.submission for waiting in turn], now=timezone.now())
        except DatabaseFault as error:
            log.warning("commit_failed", error=what_happened(error), submissions=len(turn))
        except Exception:
            # A defect of ours: nothing was stored, the senders are told to try again, and the thread lives on.
            log.exception("commit_failed", submissions=len(turn))
        _recover()
        return [None] * len(turn)


def _rows(waiting: Waiting[Any]) -> int:
    return sum(1 + len(event.datasets) for event in waiting.submission.events)


def _recover() -> None:
    """Whatever goes wrong here too, the thread lives on: the next turn meets it, or does not."""
    try:
        replace_ended_sessions()
    except Exception:
        log.exception("recovery_failed")
