"""Memory of a server's processes. Only Linux reports it."""

from dataclasses import dataclass
from pathlib import Path

from bench.processes import process_tree


@dataclass(frozen=True)
class Memory:
    """Memory of a server's largest process, in bytes.

    `peak_rss`: most that was ever resident, including pages shared with other processes. `pss`: present memory, in
    which each shared page is divided by the number of processes that share it.
    """

    peak_rss: int
    pss: int


def memory(pid: int) -> Memory | None:
    """Measure the server with this first process. None: the system does not report it."""
    if not Path(f"/proc/{pid}/smaps_rollup").exists():
        return None
    pids = [process.pid for process in process_tree(pid)]
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
