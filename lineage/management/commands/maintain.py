"""What the database needs from time to time."""

import signal
import threading
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.utils import timezone

from lineage.states.deadlines import sweep
from lineage.upkeep.removal import sweep_removed_connections
from lineage.upkeep.retention import drop_old_events, drop_old_runs, drop_old_transitions, ensure_partitions

log = structlog.get_logger(__name__)

_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class _Task:
    """`run` takes the clock, and what tells that it is to stop between two steps. Each step is one transaction: where
    it is killed, the next run goes on."""

    name: str
    # In seconds; 0: in each round.
    every: float
    run: Callable[[datetime, Callable[[], bool]], object]


_TASKS: Final = (
    _Task("partitions", 0, lambda now, _: ensure_partitions(now)),
    _Task("states", 0, lambda now, enough: sweep(now, enough=enough)),
    _Task("removed_connections", 0, lambda _, enough: sweep_removed_connections(enough=enough)),
    _Task("old_events", _HOUR, lambda now, enough: drop_old_events(now, enough=enough)),
    _Task("old_runs", _HOUR, lambda now, enough: drop_old_runs(now, enough=enough)),
    _Task("old_transitions", _HOUR, lambda now, enough: drop_old_transitions(now, enough=enough)),
    _Task("ended_sessions", _HOUR, lambda _now, _enough: call_command("clearsessions")),
)


class Command(BaseCommand):
    help = (
        "Finds the runs that are lost by now, makes the partitions that the coming weeks need, drops what is older "
        "than EVENT_RETENTION_DAYS, and deletes what removed connections and ended sessions left. "
        "Run it each minute, or with --every 60: then it stays and does so again and again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--every", type=_seconds, metavar="SECONDS", help="go on until stopped, at this interval")

    def handle(self, *, every: float | None, **_options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        if every is None:
            if failed := _run(_TASKS, stop):
                raise CommandError(f"Failed: {', '.join(failed)}. The log says why; what is left, the next run does.")
            return
        _run_again_and_again(every, stop)


def _run_again_and_again(every: float, stop: threading.Event) -> None:
    due_at = dict.fromkeys((task.name for task in _TASKS), 0.0)
    while not stop.is_set():
        began = time.monotonic()
        due = [task for task in _TASKS if due_at[task.name] <= began]
        failed = _run(due, stop)
        due_at |= {task.name: began + task.every for task in due if task.name not in failed}
        connection.close()
        stop.wait(every)


def _run(tasks: Sequence[_Task], stop: threading.Event) -> list[str]:
    """The names of those that failed. One does not keep the others from their work."""
    failed = []
    for task in tasks:
        if stop.is_set():
            break
        try:
            task.run(timezone.now(), stop.is_set)
        except Exception:
            # Most likely the database is away. It comes back, and nobody is there to start this again.
            log.exception("maintenance_failed", task=task.name)
            failed.append(task.name)
            connection.close()
    return failed


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < threading.TIMEOUT_MAX:  # also refuses NaN
        raise ArgumentTypeError("must be more than 0")
    return seconds
