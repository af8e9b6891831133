"""Publishes to Prometheus how much is under way in this process."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lineage.intake import metrics

PUBLISHED_EVERY_SECONDS: Final = 0.25


@dataclass(slots=True)
class Level:
    # Requests that are not answered yet, and those of them that wait for their commit.
    open: int = 0
    waiting: int = 0
    # Bytes of bodies, in part or whole.
    held: int = 0


class Levels:
    """Publishes the levels a few times a second while any request is open: at each request, up and down, would cost as
    much as all other counting together. For one event loop."""

    def __init__(self, read: Callable[[], Level]) -> None:
        self._read = read
        self._is_followed = False

    def follow(self) -> None:
        """Starts publishing, if it is not under way. To be called when a request opens."""
        if not self._is_followed:
            self._is_followed = True
            self._publish_later()

    def _publish_later(self) -> None:
        asyncio.get_running_loop().call_later(PUBLISHED_EVERY_SECONDS, self._publish)

    def _publish(self) -> None:
        level = self._read()
        metrics.OPEN_REQUESTS.set(level.open)
        metrics.WAITING_REQUESTS.set(level.waiting)
        metrics.HELD_BYTES.set(level.held)
        if level.open:
            self._publish_later()
        else:
            self._is_followed = False
