"""Metrics of the workers: how many run, and the counters of those that ended. Used by the server's master."""

from collections.abc import Collection
from typing import Final

from prometheus_client import Counter, Gauge
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import mark_process_dead

from server.metrics import directory

RUNNING: Final = Gauge("observatory_workers", "Worker processes that run.", multiprocess_mode="livesum")
ENDED: Final = Counter("observatory_workers_ended_total", "Worker processes that ended, for whatever reason.")

# Process id in the name of the file for all ended workers; no process has it.
_ALL_ENDED: Final = 0
_KINDS: Final = ("counter", "histogram")


class EndedWorkers:
    """Merges the counters of ended workers into one file.

    If they were lost, counters would go backwards. If they stayed in the workers' own files, each new worker would add
    files.
    """

    def __init__(self) -> None:
        self._pids: set[int] = set()

    def add(self, pid: int, *, alive: Collection[int]) -> None:
        """Remove a worker's gauges, and merge its counters: now, or with the next worker if somebody is reading."""
        ENDED.inc()
        mark_process_dead(pid)
        self._pids.add(pid)
        # The system may reuse a process id: then the new process continues the file.
        self._pids.difference_update(alive)
        with directory.try_exclusive_access() as is_exclusive:
            while is_exclusive and self._pids:
                _merge(self._pids.pop())


def _merge(pid: int) -> None:
    for kind in _KINDS:
        file = directory.path() / f"{kind}_{pid}.db"
        if not directory.size(file):
            continue
        counted = list(MmapedDict.read_all_values_from_file(str(file)))
        total = MmapedDict(str(directory.path() / f"{kind}_{_ALL_ENDED}.db"))
        for key, value, _, _ in counted:
            before, _ = total.read_value(key)
            total.write_value(key, before + value, 0.0)
        total.close()
        file.unlink()
