"""Group commit: one thread of the process commits what all its requests bring, in turns of one transaction each.

While a transaction is under way, the next requests gather; the committer then takes them all. With one client a turn
holds one event, with many it holds many, and the cost of a commit is shared: where many came at once before, it waits
some milliseconds for those that are still on their way.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import accumulate, takewhile
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

import structlog
from django.db import connection
from django.utils import timezone

from lineage.database.sessions import replace_ended_sessions, what_happened
from lineage.digest.digest import Submission
from lineage.events import Event
from lineage.intake.accounting import commit_and_count, count_events
from lineage.intake.answers import Code
from lineage.intake.commit import NOTHING_STORED, Committed, DatabaseFault
from lineage.intake.group.crowd import Crowd
from lineage.intake.group.settler import Settler
from lineage.intake.metrics import rejected

log = structlog.get_logger(__name__)

Ticket = TypeVar("Ticket")

# Of one transaction. Larger ones make the requests in them wait longer, and no event cheaper. Rows: events, and the
# datasets that they name.
MAX_EVENTS = 500
MAX_ROWS = 4000
MAX_BYTES = 16 * 1024 * 1024


@dataclass(slots=True)
class Waiting(Generic[Ticket]):
    """A submission in the queue; `ticket` is whatever its sender is answered by, `size` the bytes of its events.

    One that is larger than a transaction is committed in parts, and lets others go between them."""

    submission: Submission
    size: int
    ticket: Ticket
    # What became of the events before `position`.
    committed: Committed = NOTHING_STORED
    position: int = 0

    def part(self) -> Submission:
        """What is to be committed next."""
        events = self.submission.events
        if not self.position and len(events) <= MAX_EVENTS and _rows(events) <= MAX_ROWS:
            return self.submission
        rows = accumulate(1 + len(event.datasets) for event in events[self.position : self.position + MAX_EVENTS])
        count = sum(1 for _ in takewhile(lambda so_far: so_far <= MAX_ROWS, rows)) or 1
        return self.submission._replace(events=events[self.position : self.position + count])

    def note(self, part: Submission, committed: Committed) -> None:
        """What became of the part."""
        unstorable = (self.position + position for position in committed.unstorable)
        self.committed = Committed(
            accepted=committed.accepted,
            stored=self.committed.stored + committed.stored,
            unstorable=self.committed.unstorable.union(unstorable),
        )
        self.position += len(part.events)

    def give_up(self, code: Code, part: Submission | None = None) -> None:
        """Accounts for the events behind the part, which nobody will try to commit."""
        reached = self.position + (len(part.events) if part else 0)
        count_events(rejected(code), len(self.submission.events) - reached)

    @property
    def is_done(self) -> bool:
        return self.position >= len(self.submission.events) or not self.committed.accepted


@dataclass(slots=True)
class _Turn(Generic[Ticket]):
    """What one transaction brings: those that waited, and a part of each."""

    waiting: list[Waiting[Ticket]] = field(default_factory=list)
    parts: list[Submission] = field(default_factory=list)
    events: int = 0
    rows: int = 0
    size: int = 0

    def takes(self, waiting: Waiting[Ticket]) -> bool:
        """Takes it in, if there is room. The first has room always."""
        part = waiting.part()
        events, rows = self.events + len(part.events), self.rows + _rows(part.events)
        size = self.size + sum([len(event.body) for event in part.events])
        if self.parts and (events > MAX_EVENTS or rows > MAX_ROWS or size > MAX_BYTES):
            return False
        self.waiting.append(waiting)
        self.parts.append(part)
        self.events, self.rows, self.size = events, rows, size
        return True


class Committer(Generic[Ticket]):
    """Calls `deliver` in its own thread, after each turn: what became of each that is done; None where that was not
    decided for all of its events (the database is away): they are to be sent again, and the repeats are found."""

    def __init__(self, deliver: Callable[[Sequence[tuple[Waiting[Ticket], Committed | None]]], None]) -> None:
        self._deliver = deliver
        # None ends the thread.
        self._queue: SimpleQueue[Waiting[Ticket] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._crowd = Crowd()
        self._settler = Settler()
        # Taken from the queue, with no room for it in the turn that was under way.
        self._following: Waiting[Ticket] | None = None

    def put(self, waiting: Waiting[Ticket]) -> None:
        """From one thread only. The caller bounds how much waits."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
            self._thread.start()
        self._queue.put(waiting)

    def stop(self) -> None:
        """Ends the thread after what waits is committed, and settled."""
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()
        self._settler.stop()

    def _run(self) -> None:
        while self._take_turn():
            pass
        connection.close()

    def _take_turn(self) -> bool:
        """Waits for one, and commits it with what waits behind it, as far as there is room. False: it is the end.

        What was committed is held by this call alone: the thread may wait for long until the next event comes."""
        first = self._following or self._queue.get()
        if first is None:
            return False
        turn = _Turn[Ticket]()
        turn.takes(first)
        self._crowd.gather(lambda: 1 + self._queue.qsize())
        self._following = self._fill(turn)
        self._commit(turn)
        self._crowd.note(len(turn.parts), self._queue.qsize())
        return True

    def _fill(self, turn: _Turn[Ticket]) -> Waiting[Ticket] | None:
        """All that waits, as far as there is room; and what was taken from the queue for which there is none."""
        with suppress(Empty):
            while waiting := self._queue.get_nowait():
                if not turn.takes(waiting):
                    return waiting
            # To be found again when the turn is over.
            self._queue.put(None)
        return None

    def _commit(self, turn: _Turn[Ticket]) -> None:
        committed = self._try_to_commit(turn)
        if committed is None:
            for waiting, part in zip(turn.waiting, turn.parts, strict=True):
                waiting.give_up(Code.DATABASE_AWAY, part)
            self._deliver([(waiting, None) for waiting in turn.waiting])
            return
        done = []
        unsettled = {part.connection_id for part, its in zip(turn.parts, committed, strict=True) if not its.is_settled}
        for waiting, part, its in zip(turn.waiting, turn.parts, committed, strict=True):
            waiting.note(part, its)
            if not its.accepted:
                waiting.give_up(Code.KEY_REFUSED)
            if waiting.is_done:
                done.append((waiting, waiting.committed))
            else:
                self._queue.put(waiting)
        if done:
            self._deliver(done)
        self._settler.put(unsettled)

    def _try_to_commit(self, turn: _Turn[Ticket]) -> Sequence[Committed] | None:
        try:
            return commit_and_count(turn.parts, now=timezone.now())
        except DatabaseFault as error:
            log.warning("commit_failed", error=what_happened(error), submissions=len(turn.parts))
        except Exception:
            # A defect of ours: nothing was stored, the senders are told to try again, and the thread lives on.
            log.exception("commit_failed", submissions=len(turn.parts))
        _recover()
        return None


def _rows(events: Sequence[Event]) -> int:
    return sum([1 + len(event.datasets) for event in events])


def _recover() -> None:
    """Whatever goes wrong here too, the thread lives on: the next turn meets it, or does not."""
    try:
        replace_ended_sessions()
    except Exception:
        log.exception("recovery_failed")
