"""Keeps a flood of requests from becoming a flood of lines.

What happens at each request (a refusal, an error of the database) is logged a few times, and then counted: the next
line of its kind says how many were left out. /metrics counts all of them.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
from structlog.typing import EventDict, WrappedLogger

LINES: Final = 20
SECONDS: Final = 10.0

# Our own lines, whose texts are few and constant. Libraries say what they say.
_ROOMS: Final = ("observability.", "quickstart.", "server.", "web.", "api.", "lineage.", "connections.")
# Kinds of line that are remembered.
_MAX_KINDS: Final = 1000

_Kind = tuple[str, str, str]  # logger, text, code


@dataclass(slots=True)
class _Stretch:
    began: float
    lines: int = 0
    left_out: int = 0


class FloodGuard:
    """A structlog processor: lets through LINES of each kind in SECONDS, in this process. Thread-safe."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._guard = threading.Lock()
        # The least recently begun comes first.
        self._stretches: OrderedDict[_Kind, _Stretch] = OrderedDict()

    def __call__(self, logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Raises DropEvent, structlog's way to drop a line."""
        if not logger.name.startswith(_ROOMS):
            return event
        left_out = self._let_through((logger.name, str(event.get("event")), str(event.get("code", ""))))
        return {**event, "left_out": left_out} if left_out else event

    def _let_through(self, kind: _Kind) -> int:
        """How many of its kind were left out just before this one."""
        now = self._monotonic()
        with self._guard:
            stretch, left_out = self._stretches.get(kind), 0
            if stretch is None or now - stretch.began >= SECONDS:
                left_out = stretch.left_out if stretch else 0
                stretch = self._begin(kind, now)
            if stretch.lines == LINES:
                stretch.left_out += 1
                raise structlog.DropEvent
            stretch.lines += 1
            return left_out

    def _begin(self, kind: _Kind, now: float) -> _Stretch:
        stretch = self._stretches[kind] = _Stretch(now)
        self._stretches.move_to_end(kind)
        if len(self._stretches) > _MAX_KINDS:
            self._stretches.popitem(last=False)
        return stretch
