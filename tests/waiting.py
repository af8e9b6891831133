"""Waiting for conditions."""

import time
from collections.abc import Callable

SECONDS = 60.0


def wait_until(condition: Callable[[], object], what: str = "what is awaited", *, seconds: float = SECONDS) -> float:
    """Wait until the condition holds, and return the seconds. Fails after `seconds`."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.01)
    return time.monotonic() - began
