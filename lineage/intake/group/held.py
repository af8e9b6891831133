"""Submissions that need rows which another transaction keeps locked: they wait here, and all others go on."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from lineage.digest.digest import Submission
from lineage.digest.locked_rows import RowKey, locked_rows, rows_needed_by

# Senders wait 5 s for an answer, and are given one after 4 s.
HOLD_SECONDS: Final = 3.0
_LOOK_EVERY_SECONDS: Final = 0.1


class _Part(Protocol):
    @property
    def submission(self) -> Submission: ...


class _Waiting(Protocol):
    @property
    def part(self) -> _Part: ...


W = TypeVar("W", bound=_Waiting)


@dataclass(slots=True)
class _HeldOne(Generic[W]):
    waiting: W
    needs: frozenset[RowKey]
    until: float


class Held(Generic[W]):
    """Submissions that are held back. For one thread.

    `find_locked` asks the database which of some rows are locked, and waits for none of them.
    """

    def __init__(
        self,
        find_locked: Callable[[Iterable[RowKey]], frozenset[RowKey]] = locked_rows,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find_locked, self._monotonic = find_locked, monotonic
        self._held: list[_HeldOne[W]] = []
        self._locked: frozenset[RowKey] = frozenset()
        self._look_at = 0.0

    def __len__(self) -> int:
        return len(self._held)

    def add(self, waiting: W, locked: frozenset[RowKey]) -> None:
        """Holds a submission back, since it needs these locked rows."""
        if not self._held:
            self._look_at = self._monotonic() + _LOOK_EVERY_SECONDS
        self._held.append(_HeldOne(waiting, locked, self._monotonic() + HOLD_SECONDS))
        self._locked |= locked

    def takes(self, waiting: W) -> bool:
        """Holds a submission back if it needs a row that is known to be locked."""
        if not self._locked:
            return False
        locked = rows_needed_by(waiting.part.submission) & self._locked
        if locked:
            self.add(waiting, locked)
        return bool(locked)

    def seconds_to_next_look(self) -> float | None:
        """Tells when `freed` should be called again; None if nothing is held."""
        return max(self._look_at - self._monotonic(), 0.0) if self._held else None

    def freed(self) -> list[W]:
        """Looks at the locked rows again, if it is time. Returns the submissions that need none of them any more.

        Raises Django's database errors; then it looks again later.
        """
        if not self._held or self._monotonic() < self._look_at:
            return []
        self._look_at = self._monotonic() + _LOOK_EVERY_SECONDS
        self._locked = self._find_locked(self._locked)
        return [one.waiting for one in self._let_go(lambda one: not one.needs & self._locked)]

    def overdue(self) -> list[W]:
        """Returns the submissions that waited for HOLD_SECONDS."""
        now = self._monotonic()
        return [one.waiting for one in self._let_go(lambda one: one.until <= now)]

    def rest(self) -> list[W]:
        """Returns all submissions."""
        return [one.waiting for one in self._let_go(lambda _: True)]

    def _let_go(self, goes: Callable[[_HeldOne[W]], bool]) -> list[_HeldOne[W]]:
        going = [one for one in self._held if goes(one)]
        self._held = [one for one in self._held if not goes(one)]
        if not self._held:
            self._locked = frozenset()
        return going
