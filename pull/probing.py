"""Test of a source within a time limit, for a person who waits for it."""

import threading
import time
from collections.abc import Mapping
from queue import Empty, SimpleQueue
from typing import Final

import structlog

from pull.actions import PROBE_SECONDS, probe
from pull.http.hosts import AllowedHosts
from pull.sources.fetcher import Step

log = structlog.get_logger(__name__)

# Tests of one process at once. One may last longer than a person waits: until the system's answer, or 30 seconds.
_MOST_AT_ONCE: Final = 4
_TOO_SLOW: Final = Step("Answers in time", False, "No answer in time: it is overloaded, or a firewall stands between.")
_FREE: Final = threading.BoundedSemaphore(_MOST_AT_ONCE)


def probe_in_time(
    *,
    system: str,
    config: Mapping[str, str],
    secret: Mapping[str, str],
    allowed: AllowedHosts,
    seconds: float = PROBE_SECONDS,
) -> list[Step]:
    """Return the steps of a test that were taken in `seconds`. The last one may be one that did not pass."""
    if not _FREE.acquire(blocking=False):
        return [Step("Test", False, "Too many tests are under way here. Try again in a minute.")]
    found: SimpleQueue[Step | None] = SimpleQueue()
    is_over = threading.Event()

    def take_steps() -> None:
        try:
            for step in probe(system=system, config=config, secret=secret, allowed=allowed):
                found.put(step)
                if is_over.is_set():
                    break
        except Exception:
            # Nobody else sees what this thread raises.
            log.exception("probe_failed", system=system)
            found.put(Step("Test", False, "It failed in a way that nobody expected: the log of Observatory says more."))
        finally:
            found.put(None)
            _FREE.release()

    threading.Thread(target=take_steps, name="probe", daemon=True).start()
    steps = _until(time.monotonic() + seconds, found)
    is_over.set()
    return steps


def _until(deadline: float, found: "SimpleQueue[Step | None]") -> list[Step]:
    steps: list[Step] = []
    while True:
        try:
            step = found.get(timeout=max(deadline - time.monotonic(), 0.001))
        except Empty:
            return [
                *steps,
                Step("Answers in time", False, "It did not answer in time. Is it overloaded, or a firewall between?"),
            ]
        if step is None:
            return steps
        steps.append(step)
