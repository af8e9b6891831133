"""Keeper: the process that owns the embedded server, `python -m quickstart.keeper DATA_DIR`.

The server's first user starts it (see lease.py). It stops the server when no user is left, and until then starts it
again whenever it ends, even if somebody shut it down: the product needs it.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from quickstart.data_directory import DataDirectory
from quickstart.lease import Lock
from quickstart.postgres import Cluster
from quickstart.problem import CannotStart

_CHECKS_EVERY = 0.1  # seconds
_TRIES_EVERY = 1.0  # seconds between attempts to start a server that cannot start


class Keeper:
    def __init__(self, data: DataDirectory) -> None:
        self._data = data
        self._cluster = Cluster(data.postgres, data.log)
        self._should_stop = False
        self._server: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Run until the server has stopped. Returns at once if another keeper is at work."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._stop_soon)
        kept = Lock(self._data.keeper_lock)
        if not kept.try_exclusive():
            return
        users = Lock(self._data.users_lock)
        self._server = self._cluster.start()
        _close_output()
        while not (users.try_exclusive() or self._should_stop):
            time.sleep(_CHECKS_EVERY if self._is_up() or self._start_again() else _TRIES_EVERY)
        self._cluster.stop()
        # This order matters: a user that waited for `users` must find no keeper, and start one.
        kept.release()
        users.release()

    def _is_up(self) -> bool:
        """Return what `Cluster.is_up` does, at almost no cost if the server is a child: it is asked ten times a
        second, as long as the product runs."""
        if self._server is not None and self._server.poll() is None:
            return not self._cluster.is_stopping()
        return self._cluster.is_up()

    def _start_again(self) -> bool:
        """Finish the shutdown, if one goes on, and start the server. Returns whether that succeeded; PostgreSQL's log
        says what did not, for example that its disk is full."""
        self._cluster.stop()
        if self._server is not None:
            self._server.poll()  # reaps it
        try:
            self._server = self._cluster.start()
        except (CannotStart, OSError):
            return False
        return True

    def _stop_soon(self, _signal: int, _frame: FrameType | None) -> None:
        self._should_stop = True


def _close_output() -> None:
    """Redirect standard error to nothing: the process that started this one reads it until here, and must not wait
    longer."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, sys.stderr.fileno())
    os.close(silence)


def main() -> None:
    try:
        Keeper(DataDirectory(Path(sys.argv[1]))).run()
    except (CannotStart, OSError) as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
