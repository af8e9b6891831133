"""What the database needs from time to time."""

import signal
import threading
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import connection
from django.utils import timezone

from lineage.removal import sweep_removed_connections
from lineage.retention import ensure_partitions

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = (
        "Makes the partitions that the coming weeks need and deletes what removed connections left. "
        "Run it at least once a week; with --every it stays and does so again and again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--every", type=_seconds, metavar="SECONDS", help="go on until stopped, at this interval")

    def handle(self, *, every: float | None, **_options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        if every is None:
            _maintain(stop)
            return
        while not stop.is_set():
            try:
                _maintain(stop)
            except Exception:
                # Most likely the database is away. It comes back, and nobody is there to start this again.
                log.exception("maintenance_failed", again_in_seconds=every)
            finally:
                connection.close()
            stop.wait(every)


def _maintain(stop: threading.Event) -> None:
    ensure_partitions(timezone.now())
    sweep_removed_connections(enough=stop.is_set)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < threading.TIMEOUT_MAX:  # also refuses NaN
        raise ArgumentTypeError("must be more than 0")
    return seconds
