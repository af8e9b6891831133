"""Waits for what a server is about to tell."""

import time
from collections.abc import Callable

SECONDS = 60


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
