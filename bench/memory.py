"""What a server's processes hold of the machine's memory. Linux alone tells."""

from dataclasses import dataclass
from pathlib import Path

from bench.processes import family


@dataclass(frozen=True)
class Memory:
    """Of a server's largest process, in bytes: the most that it ever had resident, pages that it shares with other
    processes included; and what it has now, such pages divided by the number of those who share them (PSS)."""

    peak_rss: int
    pss: int


def memory(pid: int) -> Memory | None:
    """Of the server whose first process this is. None: the system does not tell."""
    if not Path(f"/proc/{pid}/smaps_rollup").exists():
        return None
    pids = [process.pid for process in family(pid)]
    return Memory(
        peak_rss=max(_kilobytes(pid, "status", "VmHWM") for pid in pids) * 1024,
        pss=max(_kilobytes(pid, "smaps_rollup", "Pss") for pid in pids) * 1024,
    )


def _kilobytes(pid: int, file: str, field: str) -> int:
    for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0])
    raise LookupError(f"no {field} in {file}")
