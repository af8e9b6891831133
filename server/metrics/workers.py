"""How many workers run, and what becomes of the counts of those that ended. For the server's master."""

from collections.abc import Collection
from typing import Final

from prometheus_client import Counter, Gauge
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import mark_process_dead

from server.metrics import directory

RUNNING: Final = Gauge("observatory_workers", "Worker processes that run.", multiprocess_mode="livesum")
ENDED: Final = Counter("observatory_workers_ended_total", "Worker processes that ended, for whatever reason.")

# In the place of a process id, in the names of files: no process has this one.
_ALL_ENDED: Final = 0
_KINDS: Final = ("counter", "histogram")


class EndedWorkers:
    """What they counted must not get lost, or counters would go backwards. Kept in the files of each, it would grow
    with every worker that is ever replaced; so it is added up in one."""

    def __init__(self) -> None:
        self._pids: set[int] = set()

    def add(self, pid: int, *, alive: Collection[int]) -> None:
        """Its gauges are gone. Its counters are merged now or, where somebody is reading, with the next worker's."""
        ENDED.inc()
        mark_process_dead(pid)
        self._pids.add(pid)
        # The system may have given a process id anew: then the new process goes on with the file.
        self._pids.difference_update(alive)
        with directory.alone() as is_alone:
            while is_alone and self._pids:
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
