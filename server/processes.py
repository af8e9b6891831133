"""What processes ask of the system: to end with the one that started them, however that one ends; room for many
connections, and no more memory than they need."""

import ctypes
import gc
import os
import resource
import signal
import sys

# Holds the process id of the parent to end with.
ENDS_WITH = "OBSERVATORY_ENDS_WITH"

MAX_OPEN_FILES = 65_536

_M_MMAP_THRESHOLD = -3  # <malloc.h>
_LARGE_BLOCK_BYTES = 1024 * 1024

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def end_with(parent: int) -> None:
    """Has the kernel send this process SIGTERM when its parent (a process id) ends, even by SIGKILL. Linux only."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        # It ended before the kernel was asked.
        os.kill(os.getpid(), signal.SIGTERM)


def end_with_starter() -> None:
    """The same, with the parent that the environment names, if it names one. Children do not inherit that."""
    parent = os.environ.pop(ENDS_WITH, "")
    if parent:
        end_with(int(parent))


def raise_limit_of_open_files() -> None:
    """As far as this process may, up to MAX_OPEN_FILES; its children inherit it."""
    current, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if most == resource.RLIM_INFINITY else min(most, MAX_OPEN_FILES)
    if current != resource.RLIM_INFINITY and current < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def give_back_large_blocks() -> None:
    """Has glibc return a freed block of 1 MiB or more to the system; children inherit it.

    Left alone, it raises that bound to the largest block that was ever freed (32 MiB at most), and each thread that
    once held a large body keeps its memory for good.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:  # musl has none
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)


def keep_what_is_loaded() -> None:
    """Has the garbage collector leave alone all that is there, in children too: it would look through it again every
    few pages, for 70 ms each time."""
    gc.collect()
    gc.freeze()
