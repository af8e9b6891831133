"""Command that fetches from the sources of connections."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from pull.worker import Worker


class Command(BaseCommand):
    help = (
        "Fetches from the orchestrators of connections that send nothing by themselves, each at its interval, until it "
        "is stopped. Several may run at once. With --once: what is due now."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="fetch what is due, and end")

    def handle(self, *, once: bool, **_options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        Worker(stop).run(once=once)
