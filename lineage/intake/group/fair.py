"""Fair order among connections: the one that had least so far is next, however much another has waiting."""

import heapq
from collections import deque
from itertools import count
from typing import Final, Generic, TypeVar
from uuid import UUID

T = TypeVar("T")

_MOST_REMEMBERED: Final = 1000


class FairQueue(Generic[T]):
    """A line for each connection. Items of one line keep their order. For one thread.

    This is start-time fair queueing (Goyal, Vin and Cheng, 1996): an item starts when the item before it in its line
    ends, and ends `cost` later, on a clock that shows the start of the item taken last. The earliest start is next. So
    a connection that had nothing waiting is next at once, and gains nothing by having been idle.
    """

    def __init__(self) -> None:
        self._lines: dict[UUID, deque[tuple[T, int]]] = {}
        # Start of each line's first item. The number decides among equal ones: who came first.
        self._starts: list[tuple[int, int, UUID]] = []
        # End of the item that was taken last from a connection.
        self._ends: dict[UUID, int] = {}
        self._clock = 0
        self._numbers = count()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def put(self, connection_id: UUID, item: T, cost: int) -> None:
        self._size += 1
        line = self._lines.get(connection_id)
        if line is None:
            self._lines[connection_id] = deque([(item, cost)])
            self._start(connection_id, max(self._clock, self._ends.get(connection_id, 0)))
        else:
            line.append((item, cost))

    def first(self) -> T:
        """Returns the next item, and leaves it there. Raises IndexError if there is none."""
        return self._lines[self._starts[0][2]][0][0]

    def take(self) -> T:
        """Removes and returns the next item. Raises IndexError if there is none."""
        start, _, connection_id = heapq.heappop(self._starts)
        line = self._lines[connection_id]
        item, cost = line.popleft()
        self._size -= 1
        self._clock, self._ends[connection_id] = start, start + cost
        if line:
            self._start(connection_id, start + cost)
        else:
            del self._lines[connection_id]
            self._forget()
        return item

    def _start(self, connection_id: UUID, start: int) -> None:
        heapq.heappush(self._starts, (start, next(self._numbers), connection_id))

    def _forget(self) -> None:
        """Forgets ends that decide nothing any more."""
        if not self._lines:
            self._ends.clear()
        elif len(self._ends) > _MOST_REMEMBERED:
            self._ends = {id_: end for id_, end in self._ends.items() if end > self._clock}
