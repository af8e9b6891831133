"""Estimates how many requests come at once, and waits a moment until most of them are there."""

import time
from collections.abc import Callable

# A turn begins without requests that take longer (seconds).
LINGER = 0.004
_LOOK_EVERY = 0.0002
# The last of a crowd are not worth waiting for; nor is anybody, once a turn has so many that its cost is shared well.
_MOST_OF_THEM = 0.8
_ENOUGH = 64


class Crowd:
    """The senders that were answered together: they send their next requests at about one time, a moment later.

    If a turn took the first of them alone, they would fall into many small groups, each with its own transaction.

    A sender that is alone does not wait. `monotonic` and `sleep` count in seconds.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._monotonic, self._sleep = monotonic, sleep
        self._size = 0.0

    def note(self, answered: int, waiting: int) -> None:
        """Notes how many requests were answered just now, and how many had come meanwhile."""
        self._size = (self._size + answered + waiting) / 2

    def gather(self, waiting: Callable[[], int]) -> None:
        """Waits until most of the usual crowd is `waiting`."""
        wanted = min(_MOST_OF_THEM * self._size, _ENOUGH)
        if wanted < 2:
            return
        end = self._monotonic() + LINGER
        while waiting() < wanted and self._monotonic() < end:
            self._sleep(_LOOK_EVERY)
