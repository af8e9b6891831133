"""Where the processes of one server keep what they count: prometheus_client's multi-process mode.

Each process maps files of its own, and whichever is asked adds them all up. prometheus_client decides for that mode by
the environment, at its first import; so this module does not import it.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter
from pathlib import Path
from typing import Final

# Where prometheus_client finds the directory, and in which one it is made.
VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
_BASE_VARIABLE: Final = "METRICS_DIR"

_PREFIX: Final = "observatory-metrics-"
# In memory: nothing here outlives the server, and a slow disk must not make counting slow.
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - each server makes a directory there that is its own
# A directory is not judged while its server may still be about to lock it.
_YOUNG_SECONDS: Final = 60


def make() -> None:
    """Makes an empty directory of this server's own, and removes those of servers that were killed.

    It stays locked until the last of the processes ended that inherit it from this one.
    """
    base = Path(os.environ.get(_BASE_VARIABLE) or (_MEMORY if os.access(_MEMORY, os.W_OK) else tempfile.gettempdir()))
    base.mkdir(parents=True, exist_ok=True)
    for left in base.glob(f"{_PREFIX}*"):
        _remove_if_left(left)
    directory = tempfile.mkdtemp(prefix=_PREFIX, dir=base)
    # Never closed: that would end the lock.
    fcntl.flock(os.open(directory, os.O_RDONLY), fcntl.LOCK_EX)
    os.environ[VARIABLE] = directory


def remove() -> None:
    """At the server's end."""
    shutil.rmtree(path(), ignore_errors=True)


def _remove_if_left(directory: Path) -> None:
    """Unless it is somebody else's, or a server runs that uses it."""
    try:
        status = directory.lstat()
        if status.st_uid != os.geteuid() or time.time() - status.st_mtime < _YOUNG_SECONDS:
            return
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError:  # another server removes it
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(directory, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(descriptor)


@contextmanager
def files() -> Iterator[list[Path]]:
    """The files of all processes, none of which is merged meanwhile. Empty ones are left out: their process has only
    just made them."""
    with _lock() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield [file for file in path().glob("*.db") if size(file)]


@contextmanager
def alone() -> Iterator[bool]:
    """Whether nobody reads the files, nor will within the block. Never waits."""
    with _lock() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def path() -> Path:
    return Path(os.environ[VARIABLE])


def size(file: Path) -> int:
    """0 also for one that is gone."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _lock() -> BufferedWriter:
    """To be closed, which ends the lock."""
    return (path() / "lock").open("ab")
