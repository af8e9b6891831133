"""Waits for conditions."""

import time
from collections.abc import Callable

SECONDS = 60.0


def wait_until(condition: Callable[[], object], what: str = "what is awaited", *, seconds: float = SECONDS) -> float:
    """Seconds until it held. Fails where it does not within `seconds`."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.01)
    return time.monotonic() - began
