"""Sharing the embedded server: the first process that needs it starts it, the last one to end stops it.

Each user holds a lock, which the kernel releases however the process ends, so nobody is counted that was killed.
A keeper, a process of its own, owns the server: it waits until no user is left, then stops it.
"""

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from quickstart.data_directory import DataDirectory
from quickstart.postgres import Cluster
from quickstart.problem import CannotStart

_CODE: Final = Path(__file__).resolve().parents[1]
_STARTS_WITHIN: Final = 150.0  # seconds


class Lock:
    """A file that processes lock. Not inherited by the programs that this process starts."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def share(self) -> None:
        """Waits while somebody has it alone."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def try_alone(self) -> bool:
        """Whether nobody else had it, so that it is now this process's alone. If not, a share of it is lost."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        os.close(self._file)


class Lease:
    """The use of the embedded server by this process, from `join` to `leave` or to its end."""

    def __init__(self, data: DataDirectory) -> None:
        self._data = data
        self._cluster = Cluster(data.postgres, data.log)
        self._keeper: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self._cluster.url

    def join(self) -> None:
        """Returns when the server takes queries. Raises CannotStart, and OSError for DATA_DIR."""
        self._users = Lock(self._data.users_lock)
        # Waits for a keeper that is just stopping the server.
        self._users.share()
        if self._is_kept() and self._cluster.takes_queries():
            return
        self._await_server()

    def leave(self) -> None:
        """Stops the server if nobody else uses it, and returns when it has stopped."""
        if self._users.try_alone():
            self._cluster.stop()
            self._users.release()
            if self._keeper is not None:
                self._keeper.wait()
        else:
            # Others use it: shared at once. Or its keeper is stopping it: shared when it has.
            self._users.share()
            self._users.release()

    def _is_kept(self) -> bool:
        lock = Lock(self._data.keeper_lock)
        try:
            return not lock.try_alone()
        finally:
            lock.release()

    def _await_server(self) -> None:
        deadline = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < deadline:
            if self._keeper is None and not self._is_kept():
                self._keeper = self._start_keeper()
            if self._keeper is not None and self._keeper.poll():
                raise CannotStart(self._said().strip().rpartition("\n")[2] or "Its keeper ended.")
            if self._is_kept() and self._cluster.takes_queries():
                sys.stderr.write(self._said())
                return
            time.sleep(0.02)
        raise CannotStart(f"The embedded PostgreSQL did not start; see {self._data.log}.")

    def _start_keeper(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "quickstart.keeper", str(self._data.root)],
            cwd=_CODE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            # Ctrl-C in a terminal reaches every process of its group: not this one.
            start_new_session=True,
        )

    def _said(self) -> str:
        """What the keeper had to tell while it started the server, which ends when it is started."""
        if self._keeper is None or self._keeper.stderr is None:
            return ""
        return self._keeper.stderr.read().decode(errors="replace")
