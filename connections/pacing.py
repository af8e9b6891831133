"""Keeps what happens at each request from becoming a write at each request."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta


class Pace:
    """Lets through at most `count` calls for the same key in each stretch of `per`, in this process. Thread-safe."""

    _SIZE = 10_000

    def __init__(self, *, count: int, per: timedelta) -> None:
        self._count, self._per = count, per
        self._guard = threading.Lock()
        # When the current stretch of each key began, and the calls in it. The least recently begun comes first.
        self._stretches: OrderedDict[Hashable, tuple[datetime, int]] = OrderedDict()

    def allows(self, key: Hashable, now: datetime) -> bool:
        """Whether this call is let through; if so, it counts."""
        with self._guard:
            began, calls = self._stretches.get(key, (now, 0))
            if not began <= now < began + self._per:  # over, or the clock was set back
                began, calls = now, 0
            if calls >= self._count:
                return False
            self._stretches[key] = began, calls + 1
            if calls == 0:
                self._stretches.move_to_end(key)
                if len(self._stretches) > self._SIZE:
                    self._stretches.popitem(last=False)
            return True
