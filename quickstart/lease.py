"""Shared use of the embedded server: the first process that needs it starts it, the last one to end stops it.

Each user holds a lock, which the kernel releases however the process ends, so killed processes are not counted. A
keeper, a process of its own, owns the server. It waits until no user is left, then stops the server. Each user replaces
a keeper that was killed.
"""

import fcntl
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

from quickstart.data_directory import DataDirectory
from quickstart.postgres import Cluster, environment
from quickstart.problem import CannotStart

_CODE: Final = Path(__file__).resolve().parents[1]
_STARTS_WITHIN: Final = 150.0  # seconds
_LOOKS_AFTER_KEEPER_EVERY: Final = 1.0


class Lock:
    """File lock between processes. Programs that this process starts do not inherit it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def share(self) -> None:
        """Take the lock shared. Waits while another process has it exclusively."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        """Try to take the lock exclusively. False: another process has it, and a shared lock of this process is
        lost."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def release(self) -> None:
        """Unlock for good."""
        os.close(self._file)


class Lease:
    """Use of the embedded server by this process, from `join` to `leave` or to its end."""

    def __init__(self, data: DataDirectory) -> None:
        self._data = data
        self._cluster = Cluster(data.postgres, data.log)
        self._keeper: subprocess.Popen[bytes] | None = None
        self._is_leaving = threading.Event()
        self._watch = threading.Thread(target=self._replace_lost_keepers, daemon=True)

    @property
    def url(self) -> str:
        return self._cluster.url

    def join(self) -> None:
        """Join the server, starting it if needed. Returns when it accepts queries. Raises CannotStart, and OSError for
        DATA_DIR."""
        self._users = Lock(self._data.users_lock)
        # Waits if a keeper is stopping the server.
        self._users.share()
        if not (self._is_kept() and self._cluster.takes_queries()):
            self._await_server()
        self._watch.start()

    def leave(self) -> None:
        """Leave the server. If nobody else uses it, wait until its keeper has stopped it."""
        self._is_leaving.set()
        if self._watch.is_alive():
            self._watch.join()
        while self._users.try_exclusive():
            if not self._is_kept():
                self._cluster.stop()
                break
            # Nobody uses the server: the keeper will see it.
            self._users.unlock()
            time.sleep(0.02)
        else:
            # If others use the server, this succeeds at once. If its keeper is stopping it, this waits for that.
            self._users.share()
        self._users.release()

    def _is_kept(self) -> bool:
        lock = Lock(self._data.keeper_lock)
        try:
            return not lock.try_exclusive()
        finally:
            lock.release()

    def _replace_lost_keepers(self) -> None:
        """Start a keeper whenever there is none, until this user leaves. A keeper may be killed, too, and nobody would
        watch the server then."""
        while not self._is_leaving.wait(_LOOKS_AFTER_KEEPER_EVERY):
            if not self._is_kept():
                self._keeper = self._start_keeper()

    def _await_server(self) -> None:
        deadline = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < deadline:
            # A keeper ends with 0 if it found another one, which may have been a user that tried the lock.
            if (self._keeper is None or self._keeper.poll() == 0) and not self._is_kept():
                self._keeper = self._start_keeper()
            if self._keeper is not None and self._keeper.poll():
                raise CannotStart(
                    self._keeper_output().strip().rpartition("\n")[2] or "The keeper of the embedded PostgreSQL ended."
                )
            if self._is_kept() and self._cluster.takes_queries():
                sys.stderr.write(self._keeper_output())
                return
            time.sleep(0.02)
        raise CannotStart(f"The embedded PostgreSQL did not start; see {self._data.log}.")

    def _start_keeper(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "quickstart.keeper", str(self._data.root)],
            cwd=_CODE,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            # Ctrl-C in a terminal reaches every process of its group, and must not reach this one.
            start_new_session=True,
        )

    def _keeper_output(self) -> str:
        """Read the keeper's output until the server runs, when the keeper closes it."""
        if self._keeper is None or self._keeper.stderr is None:
            return ""
        return self._keeper.stderr.read().decode(errors="replace")
