"""Memory that a process has needed, as Linux records it."""

import re
from pathlib import Path

import psutil

from tests.waiting import wait_until

MIB = 1024 * 1024
# Memory that a process may keep of what it once needed, because its heap has holes.
_KEPT = 20 * MIB


def peak(process: psutil.Process) -> int:
    """Return the most bytes of resident memory that the process ever had."""
    return _field(process, "VmHWM")


def forget_peak(process: psutil.Process) -> int:
    """Reset the peak to the present bytes, and return these."""
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")  # proc_pid_clear_refs(5)
    return peak(process)


def wait_until_given_back(process: psutil.Process, before: int) -> None:
    """Wait until the process needs about as many bytes as `before`."""
    wait_until(lambda: _field(process, "VmRSS") <= before + _KEPT, f"no more than {(before + _KEPT) / MIB:.0f} MiB")


def _field(process: psutil.Process, name: str) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found, status
    return int(found[1]) * 1024
