"""How much memory a process has needed, as Linux keeps it."""

import re
from pathlib import Path

import psutil

from tests.waiting import wait_until

MIB = 1024 * 1024
# What a process may keep of what it needed once: its heap is not without holes.
_KEPT = 20 * MIB


def peak(process: psutil.Process) -> int:
    """Bytes of resident memory that the process had at the most."""
    return _field(process, "VmHWM")


def forget_peak(process: psutil.Process) -> int:
    """From now on the peak counts anew: from the bytes that the process has now, which it returns."""
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")  # proc_pid_clear_refs(5)
    return peak(process)


def wait_until_given_back(process: psutil.Process, before: int) -> None:
    """Until it needs about as much as before, in bytes."""
    wait_until(lambda: _field(process, "VmRSS") <= before + _KEPT, f"no more than {(before + _KEPT) / MIB:.0f} MiB")


def _field(process: psutil.Process, name: str) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found, status
    return int(found[1]) * 1024
