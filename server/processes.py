"""Settings of processes: end with their parent, open many files, use little memory."""

import ctypes
import gc
import os
import resource
import signal
import sys

# Environment variable with the process id of the parent with which to end.
ENDS_WITH = "OBSERVATORY_ENDS_WITH"

MAX_OPEN_FILES = 65_536

_M_MMAP_THRESHOLD = -3  # <malloc.h>
_LARGE_BLOCK_BYTES = 1024 * 1024

# Objects made since the last collection, after which the youngest are examined. Python's default is 700: a graph of
# lineage, which makes 100,000 and frees them all, was examined 150 times.
_NEW_OBJECTS = 50_000

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def end_with(parent: int) -> None:
    """Make the kernel send this process SIGTERM when its parent (a process id) ends, even by SIGKILL. Linux only."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        # The parent ended before the kernel knew.
        os.kill(os.getpid(), signal.SIGTERM)


def end_with_starter() -> None:
    """Call `end_with` for the parent that the environment names, if any. Children do not inherit the variable."""
    parent = os.environ.pop(ENDS_WITH, "")
    if parent:
        end_with(int(parent))


def raise_limit_of_open_files() -> None:
    """Raise the limit of open files up to MAX_OPEN_FILES, as far as this process may. Children inherit it."""
    current, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if most == resource.RLIM_INFINITY else min(most, MAX_OPEN_FILES)
    if current != resource.RLIM_INFINITY and current < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def give_back_large_blocks() -> None:
    """Make glibc return a freed block of 1 MiB or more to the system. Children inherit that.

    By default glibc raises this threshold to the largest block that was ever freed (32 MiB at most), and each thread
    that once had a large body keeps its memory.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:  # musl has none
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)


def freeze_loaded_objects() -> None:
    """Exclude all present objects from garbage collection, also in children. A collection would examine them every few
    pages, for 70 ms each time."""
    gc.collect()
    gc.freeze()


def collect_garbage_rarely() -> None:
    """Let objects that refer to each other wait longer for the garbage collection. Children inherit it. All others, and
    nearly all are others, are freed at once."""
    gc.set_threshold(_NEW_OBJECTS)
