"""Group commit: a thread commits the submissions of many requests, in turns of one transaction each.

While a transaction is under way, the next requests gather; the committer then takes them all. With one client a turn
holds one event, with many it holds many, and the cost of a commit is shared: where many came at once before, it waits
some milliseconds for those that are still on their way.

If more waits than fits into a turn, connections share it by what their submissions cost.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Generic

import structlog
from django.db import connection
from django.utils import timezone

from lineage.database.sessions import let_go, replace_ended_sessions, what_happened
from lineage.digest.digest import Submission
from lineage.intake.accounting import commit_and_count
from lineage.intake.answers import Code
from lineage.intake.commit import PATIENCE_MS, SHORT_MS, Committed, DatabaseFault
from lineage.intake.group.blocked import Blocked
from lineage.intake.group.crowd import Crowd
from lineage.intake.group.fair import FairQueue
from lineage.intake.group.held import Held
from lineage.intake.group.settler import Settler
from lineage.intake.group.waiting import MAX_BYTES, MAX_EVENTS, MAX_ROWS, Part, Ticket, Waiting

log = structlog.get_logger(__name__)

# What became of each submission that is done; None where that was not decided for all of its events (the database is
# away): they are to be sent again, and the repeats are found.
Deliver = Callable[[Sequence[tuple[Waiting[Ticket], Committed | None]]], None]


@dataclass(slots=True)
class _Turn(Generic[Ticket]):
    """The content of one transaction: the next part of each of these submissions."""

    waiting: list[Waiting[Ticket]] = field(default_factory=list)
    events: int = 0
    rows: int = 0
    size: int = 0

    @property
    def parts(self) -> list[Submission]:
        return [waiting.part.submission for waiting in self.waiting]

    def has_room_for(self, part: Part) -> bool:
        """Returns True if the part fits in; the first one always does."""
        return not self.waiting or (
            self.events + part.events <= MAX_EVENTS
            and self.rows + part.rows <= MAX_ROWS
            and self.size + part.size <= MAX_BYTES
        )

    def add(self, waiting: Waiting[Ticket]) -> None:
        part = waiting.part
        self.waiting.append(waiting)
        self.events, self.rows, self.size = self.events + part.events, self.rows + part.rows, self.size + part.size


class Committer(Generic[Ticket]):
    """Calls `deliver` in its own thread, after each turn, and has the settler settle what the turn marked."""

    def __init__(self, deliver: Deliver[Ticket], settler: Settler, *, name: str) -> None:
        self._deliver, self._settler, self._name = deliver, settler, name
        # The thread ends when it finds a None.
        self._arrived: SimpleQueue[Waiting[Ticket] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        # From here on for the thread.
        self._queue: FairQueue[Waiting[Ticket]] = FairQueue()
        self._crowd = Crowd()
        self._held: Held[Waiting[Ticket]] = Held()
        self._blocked: Blocked[Waiting[Ticket]] = Blocked()
        self._is_ending = False

    def put(self, waiting: Waiting[Ticket]) -> None:
        """Adds a submission to the queue. For one thread; the caller limits how much waits."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        self._arrived.put(waiting)

    def stop(self) -> None:
        """Ends the thread after what waits is committed."""
        self._arrived.put(None)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while self._wait():
            self._look_after_held()
            self._try_blocked()
            self._take_turn()
        self._give_up_held([*self._held.rest(), *self._blocked.rest()])
        connection.close()

    def _wait(self) -> bool:
        """Waits until there is something to do. Returns False if it is the end, and nothing is in the queue."""
        if self._queue:
            return True
        if self._is_ending and self._arrived.empty():
            return False
        waits = [self._held.seconds_to_next_look(), self._blocked.seconds_to_next_try()]
        with suppress(Empty):
            self._receive(self._arrived.get(timeout=min((wait for wait in waits if wait is not None), default=None)))
        return True

    def _receive(self, waiting: Waiting[Ticket] | None) -> None:
        if waiting is None:
            self._is_ending = True
        else:
            self._queue.put(waiting.connection_id, waiting, waiting.part.cost)

    def _take_turn(self) -> None:
        """Commits what waits, as far as there is room.

        Only this call holds what was committed: the thread may wait for long until the next event comes."""
        if not self._queue:
            return
        self._crowd.gather(lambda: len(self._queue) + self._arrived.qsize())
        with suppress(Empty):
            while True:
                self._receive(self._arrived.get_nowait())
        turn = self._next_turn()
        if turn.waiting:
            self._commit(turn, lock_ms=PATIENCE_MS)
            self._crowd.note(len(turn.waiting), len(self._queue) + self._arrived.qsize())

    def _next_turn(self) -> _Turn[Ticket]:
        turn = _Turn[Ticket]()
        while self._queue and turn.has_room_for(self._queue.first().part):
            waiting = self._queue.take()
            if not self._blocked.takes(waiting) and not self._held.takes(waiting):
                self._begin(waiting, turn)
        return turn

    def _begin(self, waiting: Waiting[Ticket], turn: _Turn[Ticket]) -> None:
        if waiting.begin():
            turn.add(waiting)
        else:
            waiting.count_left_out(Code.DATABASE_SLOW)

    def _commit(self, turn: _Turn[Ticket], *, lock_ms: int) -> None:
        committed = self._try_to_commit(turn, lock_ms)
        if committed is None:
            for waiting in turn.waiting:
                waiting.count_left_out(Code.DATABASE_AWAY, beyond_part=True)
            self._deliver([(waiting, None) for waiting in turn.waiting])
            return
        done = []
        for waiting, its in zip(turn.waiting, committed, strict=True):
            if its.waits:
                self._hold(waiting, its)
                continue
            waiting.note(its)
            if not its.accepted:
                waiting.count_left_out(Code.KEY_REFUSED)
            if waiting.is_done:
                done.append((waiting, waiting.committed))
            else:
                self._receive(waiting)
        if done:
            self._deliver(done)
        results = zip(turn.waiting, committed, strict=True)
        self._settler.put({waiting.connection_id for waiting, its in results if not its.is_settled})

    def _hold(self, waiting: Waiting[Ticket], its: Committed) -> None:
        waiting.wait_on()
        if its.locked:
            self._held.add(waiting, its.locked)
        else:
            self._blocked.add(waiting)

    def _look_after_held(self) -> None:
        """Puts submissions back into the queue whose rows are free again. Gives up those that waited for too long."""
        try:
            for waiting in self._held.freed():
                self._receive(waiting)
        except DatabaseFault as error:
            log.warning("looking_for_locked_rows_failed", error=what_happened(error))
            let_go(error)
            _recover()
        self._give_up_held(self._held.overdue())
        for waiting in self._blocked.overdue():
            waiting.count_left_out(Code.DATABASE_SLOW)

    def _try_blocked(self) -> None:
        """Commits some submissions that were set apart, if it is time, in a turn of their own."""
        to_try = self._blocked.to_try()
        if not to_try:
            return
        began = time.monotonic()
        turn = _Turn[Ticket]()
        tried = 0
        while tried < len(to_try) and turn.has_room_for(to_try[tried].part):
            self._begin(to_try[tried], turn)
            tried += 1
        self._blocked.put_back(to_try[tried:])
        if turn.waiting:
            self._commit(turn, lock_ms=SHORT_MS)
        self._blocked.tried(to_try[:tried], time.monotonic() - began)

    def _give_up_held(self, held: Sequence[Waiting[Ticket]]) -> None:
        for waiting in held:
            waiting.count_left_out(Code.ROWS_LOCKED)
        if held:
            log.warning("rows_locked", submissions=len(held))
            self._deliver([(waiting, waiting.committed._replace(waits=True)) for waiting in held])

    def _try_to_commit(self, turn: _Turn[Ticket], lock_ms: int) -> Sequence[Committed] | None:
        try:
            return commit_and_count(turn.parts, now=timezone.now(), lock_ms=lock_ms)
        except DatabaseFault as error:
            log.warning("commit_failed", error=what_happened(error), submissions=len(turn.waiting))
            let_go(error)
        except Exception:
            # A defect of ours: nothing was stored, the senders are asked to try again, and the thread lives on.
            log.exception("commit_failed", submissions=len(turn.waiting))
        _recover()
        return None


def _recover() -> None:
    """Replaces ended sessions. The thread survives a failure of this, too: the next turn may succeed."""
    try:
        replace_ended_sessions()
    except Exception:
        log.exception("recovery_failed")
