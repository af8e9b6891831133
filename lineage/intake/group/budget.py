"""Limits the bytes of bodies that a process holds, read in part or waiting for the committer."""

from collections import Counter
from types import TracebackType
from uuid import UUID

from lineage.intake import answers

MAX_HELD_BYTES = 56 * 1024 * 1024
# Two bodies of the largest size: what is left has room for those of others.
MAX_HELD_BYTES_OF_CONNECTION = 32 * 1024 * 1024
# A request of this size is let in however much the others hold: a few large ones do not shut the small ones out.
ALWAYS_ADMITTED_BYTES = 128 * 1024


class Budget:
    """Bytes held now: of the process, and of each connection that holds any. For one thread."""

    def __init__(self) -> None:
        self.held = 0
        self._by_connection: Counter[UUID] = Counter()

    def add(self, connection_id: UUID, size: int) -> bool:
        """Counts `size` more (or less, if negative) bytes. Returns True if that is within both limits."""
        self.held += size
        held = self._by_connection[connection_id] + size
        if held:
            self._by_connection[connection_id] = held
        else:
            del self._by_connection[connection_id]
        return self.held <= MAX_HELD_BYTES and held <= MAX_HELD_BYTES_OF_CONNECTION


class Share:
    """The part of the budget that a request takes; given back when its block ends. For one thread."""

    def __init__(self, budget: Budget, connection_id: UUID) -> None:
        self._budget, self._connection_id = budget, connection_id
        self.size = 0

    def __enter__(self) -> "Share":
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._budget.add(self._connection_id, -self.size)

    def hold(self, size: int) -> None:
        """Notes how much the request holds now. Raises Rejection (503) if its connection or the process holds too
        much."""
        within = self._budget.add(self._connection_id, size - self.size)
        self.size = size
        if not within and size > ALWAYS_ADMITTED_BYTES:
            raise answers.too_busy("Too many large requests came at once.")
