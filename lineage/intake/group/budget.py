"""Limits the bytes of bodies that a process holds, read in part or waiting for the committer."""

from types import TracebackType

from lineage.intake import answers

MAX_HELD_BYTES = 64 * 1024 * 1024
# A request of this size is let in however much the others hold: a few large ones do not shut the small ones out.
ALWAYS_ADMITTED_BYTES = 128 * 1024


class Budget:
    def __init__(self) -> None:
        self.held = 0


class Share:
    """The part of the budget that a request takes; given back when its block ends. For one thread."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.size = 0

    def __enter__(self) -> "Share":
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._budget.held -= self.size

    def hold(self, size: int) -> None:
        """Notes how much the request holds now. Raises Rejection (503) if the process holds too much."""
        self._budget.held += size - self.size
        self.size = size
        if self._budget.held > MAX_HELD_BYTES and size > ALWAYS_ADMITTED_BYTES:
            raise answers.too_busy("Too many large requests came at once.")
