"""Supervisor: runs the product's processes side by side, and ends all of them together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

from server.processes import ENDS_WITH

_CODE: Final = Path(__file__).resolve().parents[1]
_CHECKS_EVERY: Final = 0.1  # seconds
# gunicorn gives its workers 10 s to finish their requests.
_STOPS_WITHIN: Final = 15.0
_RESTARTS_AFTER: Final = 5.0


@dataclass(slots=True)
class Program:
    """Command for this environment's Python (`-m gunicorn …`)."""

    name: str
    arguments: Sequence[str]
    # If an essential program ends, all end; any other one is started again.
    essential: bool
    # Environment variables that the program gets not: secrets that it does not need.
    withheld: frozenset[str] = frozenset()
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    starts_at: float = field(default=0.0, init=False)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *self.arguments],
            cwd=_CODE,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            # Ctrl-C in a terminal reaches its whole group; only the supervisor must get it.
            start_new_session=True,
        )
        self.starts_at = time.monotonic() + _RESTARTS_AFTER

    def _environment(self) -> dict[str, str]:
        given = {name: value for name, value in os.environ.items() if name not in self.withheld}
        return given | {ENDS_WITH: str(os.getpid())}

    def signal(self, number: int) -> None:
        if self.process is not None and self.is_running:
            self.process.send_signal(number)


class Supervisor:
    """Keeps programs running until SIGINT, SIGTERM or SIGHUP, or until an essential one ends."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self._programs = programs
        self.should_stop = False

    def run(self, *, when_started: Callable[[], None]) -> bool:
        """Run the programs until all have ended. Calls `when_started` once. Returns whether a signal stopped them."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop_soon)
        try:
            # The other programs are started below, after the server can answer.
            for program in self._programs:
                if program.essential:
                    program.start()
            when_started()
            while not self.should_stop and self.is_healthy():
                self._restart()
                time.sleep(_CHECKS_EVERY)
        finally:
            self._stop()
        return self.should_stop

    def is_healthy(self) -> bool:
        return all(program.is_running for program in self._programs if program.essential)

    def _restart(self) -> None:
        for program in self._programs:
            if not program.is_running and time.monotonic() > program.starts_at:
                program.start()

    def _stop(self) -> None:
        deadline = time.monotonic() + _STOPS_WITHIN
        for program in self._programs:
            program.signal(signal.SIGTERM)
        while any(program.is_running for program in self._programs):
            if time.monotonic() > deadline:
                for program in self._programs:
                    program.signal(signal.SIGKILL)
            time.sleep(0.02)

    def _stop_soon(self, _signal: int, _frame: FrameType | None) -> None:
        self.should_stop = True
