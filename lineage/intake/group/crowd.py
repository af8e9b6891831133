"""How many requests come at once, and how long it is worth to wait until most of them are there."""

import time
from collections.abc import Callable

# A turn begins without those that take longer (seconds).
LINGER = 0.004
_LOOK_EVERY = 0.0002
# Who is missed is not worth waiting for; nor is anybody, once a turn has so many that its cost is shared well.
_MOST_OF_THEM = 0.8
_ENOUGH = 64


class Crowd:
    """Senders that were answered together send their next requests at about the same time, a moment later. Taken as
    soon as the first is there, they fall into many small groups for good, each of which pays for a transaction.

    A sender that is alone is never waited with.
    """

    def __init__(self) -> None:
        self._size = 0.0

    def note(self, answered: int, waiting: int) -> None:
        """So many requests were answered just now, while so many had come meanwhile."""
        self._size = (self._size + answered + waiting) / 2

    def gather(self, waiting: Callable[[], int]) -> None:
        """Waits until most of the usual crowd is `waiting`."""
        wanted = min(_MOST_OF_THEM * self._size, _ENOUGH)
        if wanted < 2:
            return
        end = time.perf_counter() + LINGER
        while waiting() < wanted and time.perf_counter() < end:
            time.sleep(_LOOK_EVERY)
