"""Keeps what happens at each request from becoming a query at each request."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

_Item = TypeVar("_Item", bound=Hashable)


class Pace:
    """Lets through at most `count` calls for one key in each stretch of `per`, in this process. Thread-safe."""

    _SIZE = 10_000

    def __init__(self, *, count: int, per: timedelta) -> None:
        self._count, self._per = count, per
        self._guard = threading.Lock()
        # Key → begin of its current stretch, and the calls in it. The least recently begun comes first.
        self._stretches: OrderedDict[Hashable, tuple[datetime, int]] = OrderedDict()

    def allows(self, key: Hashable, now: datetime) -> bool:
        """Returns True if this call is let through, and counts it then."""
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


class LatelySeen(Generic[_Item]):
    """A set that forgets what was added longest ago. Thread-safe."""

    def __init__(self, size: int = 10_000) -> None:
        self._size = size
        self._guard = threading.Lock()
        self._items: OrderedDict[_Item, None] = OrderedDict()

    def __contains__(self, item: _Item) -> bool:
        return item in self._items

    def add(self, item: _Item) -> None:
        with self._guard:
            self._items[item] = None
            self._items.move_to_end(item)
            if len(self._items) > self._size:
                self._items.popitem(last=False)

    def discard(self, item: _Item) -> None:
        with self._guard:
            self._items.pop(item, None)
