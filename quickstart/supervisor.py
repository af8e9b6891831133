"""Runs the product's processes side by side, and ends all of them together."""

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
_LOOKS_EVERY: Final = 0.1  # seconds
# gunicorn itself gives its workers 10 s to finish their requests.
_STOPS_WITHIN: Final = 15.0
_RESTARTS_AFTER: Final = 5.0


@dataclass(slots=True)
class Program:
    """A command of this environment's Python (`-m gunicorn …`)."""

    name: str
    arguments: Sequence[str]
    # Without an essential program the others end too; another one is started again.
    essential: bool
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    starts_at: float = field(default=0.0, init=False)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *self.arguments],
            cwd=_CODE,
            env=os.environ | {ENDS_WITH: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            # Ctrl-C in a terminal reaches its whole group: only the supervisor is to hear it.
            start_new_session=True,
        )
        self.starts_at = time.monotonic() + _RESTARTS_AFTER

    def signal(self, number: int) -> None:
        if self.process is not None and self.is_running:
            self.process.send_signal(number)


class Supervisor:
    """Keeps programs running until SIGINT, SIGTERM or SIGHUP, or until an essential one ends."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self._programs = programs
        self.told_to_stop = False

    def run(self, *, when_started: Callable[[], None]) -> bool:
        """Calls `when_started` once; returns when every program has ended: whether it was told to."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop_soon)
        try:
            # The others are started beside them below, once somebody can be served.
            for program in self._programs:
                if program.essential:
                    program.start()
            when_started()
            while not self.told_to_stop and self.is_healthy():
                self._restart()
                time.sleep(_LOOKS_EVERY)
        finally:
            self._stop()
        return self.told_to_stop

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
        self.told_to_stop = True
