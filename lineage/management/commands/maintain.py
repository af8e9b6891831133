"""Command for regular maintenance of the database."""

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

from audit.retention import delete_old_entries
from lineage.states.deadlines import sweep
from lineage.upkeep.removal import sweep_removed_connections
from lineage.upkeep.retention import drop_old_events, drop_old_runs, drop_old_transitions, ensure_partitions
from lineage.upkeep.usual_durations import refresh_usual_durations

log = structlog.get_logger(__name__)

_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class _Task:
    """Maintenance task. `run` takes the time, and a function that says whether to stop between two steps.

    Each step is one transaction: if it is killed, the next run continues.
    """

    name: str
    # Seconds between two runs; 0: in each round.
    every: float
    run: Callable[[datetime, Callable[[], bool]], object]


_TASKS: Final = (
    _Task("partitions", 0, lambda now, _: ensure_partitions(now)),
    _Task("states", 0, lambda now, should_stop: sweep(now, should_stop=should_stop)),
    _Task("usual_durations", 0, lambda _, should_stop: refresh_usual_durations(should_stop=should_stop)),
    _Task("removed_connections", 0, lambda _, should_stop: sweep_removed_connections(should_stop=should_stop)),
    _Task("old_events", _HOUR, lambda now, should_stop: drop_old_events(now, should_stop=should_stop)),
    _Task("old_runs", _HOUR, lambda now, should_stop: drop_old_runs(now, should_stop=should_stop)),
    _Task("old_transitions", _HOUR, lambda now, should_stop: drop_old_transitions(now, should_stop=should_stop)),
    _Task("old_audit_entries", _HOUR, lambda now, should_stop: delete_old_entries(now, should_stop=should_stop)),
    _Task("ended_sessions", _HOUR, lambda _now, _enough: call_command("clearsessions")),
)


class Command(BaseCommand):
    # They load every page, which takes longer than all else; `migrate` and the tests run them.
    requires_system_checks = ()
    help = (
        "Finds lost runs, computes usual durations of jobs, creates partitions for the coming weeks, drops events "
        "older than EVENT_RETENTION_DAYS, and deletes the rows of removed connections and ended sessions. "
        "Run it each minute, or once with --every 60, which repeats it until it is stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--every", type=_seconds, metavar="SECONDS", help="repeat until stopped, at this interval")

    def handle(self, *, every: float | None, **_options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        if every is None:
            if failed := _run(_TASKS, stop):
                raise CommandError(f"Failed: {', '.join(failed)}. The log says why. The next run tries again.")
            return
        _repeat(every, stop)


def _repeat(every: float, stop: threading.Event) -> None:
    due_at = dict.fromkeys((task.name for task in _TASKS), 0.0)
    while not stop.is_set():
        began = time.monotonic()
        due = [task for task in _TASKS if due_at[task.name] <= began]
        failed = _run(due, stop)
        due_at |= {task.name: began + task.every for task in due if task.name not in failed}
        connection.close()
        stop.wait(every)


def _run(tasks: Sequence[_Task], stop: threading.Event) -> list[str]:
    """Run tasks, also if one of them fails. Returns the names of those that failed."""
    failed = []
    for task in tasks:
        if stop.is_set():
            break
        try:
            task.run(timezone.now(), stop.is_set)
        except Exception:
            # Most likely the database is unavailable for a while, and nobody would restart this process.
            log.exception("maintenance_failed", task=task.name)
            failed.append(task.name)
            connection.close()
    return failed


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < threading.TIMEOUT_MAX:  # also false for NaN
        raise ArgumentTypeError("must be more than 0")
    return seconds
