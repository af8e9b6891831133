"""Directory of the counters of a server's processes, for prometheus_client's multi-process mode.

Each process maps files of its own, and the process that answers a scrape adds them up. prometheus_client chooses this
mode by the environment, at its first import; so this module must not import it.
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

# VARIABLE tells prometheus_client the directory; _BASE_VARIABLE tells us where to create it.
VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
_BASE_VARIABLE: Final = "METRICS_DIR"

_PREFIX: Final = "observatory-metrics-"
# In memory, because the files are not needed after the server ends, and a slow disk must not make counting slow.
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - each server creates a directory of its own there
# A younger directory is never removed: its server may not have locked it yet.
_YOUNG_SECONDS: Final = 60


def make() -> None:
    """Create an empty directory for this server, and remove those of servers that were killed.

    It stays locked until the last process ends that inherited it from this one.
    """
    base = Path(os.environ.get(_BASE_VARIABLE) or (_MEMORY if os.access(_MEMORY, os.W_OK) else tempfile.gettempdir()))
    base.mkdir(parents=True, exist_ok=True)
    for left in base.glob(f"{_PREFIX}*"):
        _remove_if_abandoned(left)
    directory = tempfile.mkdtemp(prefix=_PREFIX, dir=base)
    # Never closed, because that would release the lock.
    fcntl.flock(os.open(directory, os.O_RDONLY), fcntl.LOCK_EX)
    os.environ[VARIABLE] = directory


def remove() -> None:
    """Remove the directory when the server ends."""
    shutil.rmtree(path(), ignore_errors=True)


def _remove_if_abandoned(directory: Path) -> None:
    """Remove a directory unless another user owns it or a running server uses it."""
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
    """Yield the files of all processes; none is merged meanwhile. Empty files, which a process just created, are left
    out."""
    with _lock() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield [file for file in path().glob("*.db") if size(file)]


@contextmanager
def try_exclusive_access() -> Iterator[bool]:
    """Try to keep others from reading the files. Yields False at once if a reader is active."""
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
    """Return a file's size; 0 if it does not exist."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _lock() -> BufferedWriter:
    """Open the lock file. Closing it releases the lock."""
    return (path() / "lock").open("ab")
