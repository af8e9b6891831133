"""Submissions that wait for a lock which shows in no row: somebody's INSERT that is not committed, or a locked table.

The database does not tell whom such a lock concerns. So the whole connection is set apart: its submissions are tried
in turns of their own, a few now and then, and those of other connections go on.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

from lineage.intake.group.waiting import COMMIT_SECONDS

# Submissions that are tried in one turn: each may wait for its lock. While all of them can be committed, each turn has
# twice as many as the one before.
AT_ONCE: Final = 4
_MOST_AT_ONCE: Final = 256
# A connection rests after a turn in vain, as many times as long as that took, and a second at most: while its turn
# waits for a lock, so does every other connection.
_REST: Final = 4.0
_LONGEST_REST: Final = 1.0


class _Waiting(Protocol):
    @property
    def connection_id(self) -> UUID: ...


W = TypeVar("W", bound=_Waiting)


@dataclass(slots=True)
class _Line(Generic[W]):
    """Submissions of a connection, and when the first of them are to be tried again."""

    due_at: float
    at_once: int = AT_ONCE
    waiting: deque[W] = field(default_factory=deque)


class Blocked(Generic[W]):
    """Submissions of connections that are set apart. For one thread."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lines: dict[UUID, _Line[W]] = {}
        # Each submission → when its sender has been given up.
        self._until: dict[int, float] = {}

    def __len__(self) -> int:
        return sum(len(line.waiting) for line in self._lines.values())

    def add(self, waiting: W) -> None:
        """Sets a submission apart, and with it all further ones of its connection."""
        now = self._monotonic()
        line = self._lines.setdefault(waiting.connection_id, _Line(now))
        line.waiting.append(waiting)
        self._until.setdefault(id(waiting), now + COMMIT_SECONDS)

    def takes(self, waiting: W) -> bool:
        """Sets a submission apart if others of its connection are."""
        if waiting.connection_id not in self._lines:
            return False
        self.add(waiting)
        return True

    def seconds_to_next_try(self) -> float | None:
        """Tells when `to_try` should be called again; None if nothing is set apart."""
        if not self._lines:
            return None
        return max(min(line.due_at for line in self._lines.values()) - self._monotonic(), 0.0)

    def to_try(self) -> list[W]:
        """Returns some submissions of the connection that is due first; none if none is due.

        Those that are not tried are to be put back, those that must wait again to be added. Then call `tried`."""
        if not self._lines:
            return []
        line = min(self._lines.values(), key=lambda line: line.due_at)
        if line.due_at > self._monotonic():
            return []
        return [line.waiting.popleft() for _ in range(min(line.at_once, len(line.waiting)))]

    def put_back(self, waiting: Sequence[W]) -> None:
        """Puts submissions of one connection back that were not tried."""
        for one in reversed(waiting):
            self._lines[one.connection_id].waiting.appendleft(one)

    def tried(self, waiting: Sequence[W], seconds: float) -> None:
        """Notes that these were tried, and how long that took."""
        [connection_id] = {one.connection_id for one in waiting}
        line = self._lines[connection_id]
        done = {id(one) for one in waiting}.difference(map(id, line.waiting))
        for one in done:
            del self._until[one]
        is_in_vain = len(done) < len(waiting)
        line.at_once = AT_ONCE if is_in_vain else min(2 * line.at_once, _MOST_AT_ONCE)
        line.due_at = self._monotonic() + (min(_REST * seconds, _LONGEST_REST) if is_in_vain else 0.0)
        if not line.waiting:
            del self._lines[connection_id]

    def overdue(self) -> list[W]:
        """Returns the submissions whose senders have been given up, see Waiting."""
        now = self._monotonic()
        return self._let_go(lambda waiting: self._until[id(waiting)] <= now)

    def rest(self) -> list[W]:
        """Returns all submissions."""
        return self._let_go(lambda _: True)

    def _let_go(self, goes: Callable[[W], bool]) -> list[W]:
        going: list[W] = []
        for connection_id, line in list(self._lines.items()):
            going += filter(goes, line.waiting)
            line.waiting = deque(one for one in line.waiting if not goes(one))
            if not line.waiting:
                del self._lines[connection_id]
        for one in going:
            del self._until[id(one)]
        return going
