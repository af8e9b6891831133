"""Limits repeated log lines, so that a flood of requests does not become a flood of lines.

Lines of one kind, such as a refusal or a database error at each request, are logged a few times and then only counted.
The next line of that kind has the number of omitted ones. /metrics counts all of them.
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

# Loggers of the product, whose texts are few and constant. Lines of libraries are not limited.
_ROOMS: Final = ("observability.", "quickstart.", "server.", "web.", "api.", "lineage.", "connections.")
# Most kinds of line that are counted at a time.
_MAX_KINDS: Final = 1000

_Kind = tuple[str, str, str]  # logger, text, code


@dataclass(slots=True)
class _Period:
    began: float
    lines: int = 0
    left_out: int = 0


class FloodGuard:
    """structlog processor that passes LINES lines of each kind per SECONDS in this process. Thread-safe."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._guard = threading.Lock()
        # The oldest period comes first.
        self._periods: OrderedDict[_Kind, _Period] = OrderedDict()

    def __call__(self, logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Pass the line, or raise DropEvent, with which structlog drops it."""
        if not logger.name.startswith(_ROOMS):
            return event
        left_out = self._let_through((logger.name, str(event.get("event")), str(event.get("code", ""))))
        return {**event, "left_out": left_out} if left_out else event

    def _let_through(self, kind: _Kind) -> int:
        """Return how many lines of this kind were omitted just before this one."""
        now = self._monotonic()
        with self._guard:
            period, left_out = self._periods.get(kind), 0
            if period is None or now - period.began >= SECONDS:
                left_out = period.left_out if period else 0
                period = self._begin(kind, now)
            if period.lines == LINES:
                period.left_out += 1
                raise structlog.DropEvent
            period.lines += 1
            return left_out

    def _begin(self, kind: _Kind, now: float) -> _Period:
        period = self._periods[kind] = _Period(now)
        self._periods.move_to_end(kind)
        if len(self._periods) > _MAX_KINDS:
            self._periods.popitem(last=False)
        return period
