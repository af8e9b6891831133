"""Comparison of the runs that a system lists with those that are stored. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from pull.sources.fetched import ListedRun

# Names of a job, and of its run.
Names = tuple[str, str]


class StateCount(NamedTuple):
    """Number of runs in a state there and here. An empty state: they wait to begin, or are not stored."""

    state: str
    there: int
    here: int


class Difference(NamedTuple):
    """Run that is shown otherwise than its system says. `here`: empty: it is not stored. `is_new`: it changed after the
    last sync, which explains it."""

    run: ListedRun
    here: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """`is_whole`: no further runs began in this time."""

    since: datetime
    counts: list[StateCount]
    differences: list[Difference]
    runs: int
    is_whole: bool

    @property
    def agrees(self) -> bool:
        return not self.differences


def compare(
    listed: Iterable[ListedRun],
    stored: Mapping[Names, str],
    *,
    since: datetime,
    fetched_until: datetime | None,
    is_whole: bool,
) -> Comparison:
    """Compare runs. `stored`: shown states. `fetched_until`: up to when all changes were fetched. `is_whole`: all runs
    since then are listed.

    A run that waits to begin there may be missing here. One that is lost or retried here is no difference to one that
    runs or failed there: these states say more.
    """
    runs = list(listed)
    there = Counter(run.state for run in runs)
    here = Counter(stored.get((run.job_name, run.name), "") for run in runs)
    differences = []
    for run in runs:
        shown = stored.get((run.job_name, run.name), "")
        if shown != run.state and (run.state, shown) not in _SAY_MORE:
            is_new = fetched_until is None or (run.started_at is not None and run.started_at > fetched_until)
            differences.append(Difference(run, shown, is_new or run.state == "RUNNING" or shown == "RUNNING"))
    counts = [StateCount(state, there[state], here[state]) for state in sorted(there.keys() | here.keys())]
    return Comparison(since, counts, differences, len(runs), is_whole)


_SAY_MORE = frozenset((("RUNNING", "LOST"), ("FAILED", "RETRIED")))
