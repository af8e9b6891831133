"""How much waits in this process, as Prometheus is told."""

import asyncio
from collections.abc import Callable
from typing import Final

from lineage.intake import metrics

PUBLISHED_EVERY_SECONDS: Final = 0.25


class Levels:
    """Publishes the levels a few times a second while there are any: at each request, up and down, would cost as much
    as all other counting together. For one event loop."""

    def __init__(self, read: Callable[[], tuple[int, int]]) -> None:
        """`read` tells how many requests wait, and how many bytes are held."""
        self._read = read
        self._is_followed = False

    def follow(self) -> None:
        """To be called as often as something may begin to wait."""
        if not self._is_followed:
            self._is_followed = True
            self._publish_later()

    def _publish_later(self) -> None:
        asyncio.get_running_loop().call_later(PUBLISHED_EVERY_SECONDS, self._publish)

    def _publish(self) -> None:
        requests, held = self._read()
        metrics.WAITING_REQUESTS.set(requests)
        metrics.HELD_BYTES.set(held)
        if requests or held:
            self._publish_later()
        else:
            self._is_followed = False
