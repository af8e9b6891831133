"""The process that owns the embedded server: `python -m quickstart.keeper DATA_DIR`.

Started by the server's first user (see lease.py). Stops the server when no user is left, and starts it again when
it died of something else.
"""

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from quickstart.data_directory import DataDirectory
from quickstart.lease import Lock
from quickstart.postgres import Cluster
from quickstart.problem import CannotStart

_LOOKS_EVERY = 0.1  # seconds


class Keeper:
    def __init__(self, data: DataDirectory) -> None:
        self._data = data
        self._cluster = Cluster(data.postgres, data.log)
        self._told_to_stop = False

    def run(self) -> None:
        """Returns when the server has stopped, or at once where another keeper is at work."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._stop_soon)
        kept = Lock(self._data.keeper_lock)
        if not kept.try_alone():
            return
        users = Lock(self._data.users_lock)
        server = self._cluster.start()
        _fall_silent()
        while not (users.try_alone() or self._told_to_stop):
            # 0: somebody shut it down, and meant it.
            if server is not None and server.poll():
                server = self._cluster.start()
            time.sleep(_LOOKS_EVERY)
        self._cluster.stop()
        # In this order: a user that waited for `users` must find no keeper, and start one.
        kept.release()
        users.release()

    def _stop_soon(self, _signal: int, _frame: FrameType | None) -> None:
        self._told_to_stop = True


def _fall_silent() -> None:
    """Who started the server reads what it said until here, and is not to be waited for later on."""
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
