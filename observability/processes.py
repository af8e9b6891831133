"""Processes that end with the one that started them, however that one ends."""

import ctypes
import os
import signal
import sys

# Holds the process id of the parent to end with.
ENDS_WITH = "OBSERVATORY_ENDS_WITH"

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
