"""Number of times that a DAG run was cleared. Airflow's API does not say it, though run ids are made of it. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple
from uuid import UUID

from pull.sources.airflow.records import DagRun, TaskInstance
from pull.sources.airflow.run_ids import Ids

# A DAG run is hardly ever cleared more often.
MOST_CLEARS: Final = 50


class Start(NamedTuple):
    """Stored run of a DAG run, and when it began."""

    run_id: UUID
    started_at: datetime | None


class Clears:
    """Stored runs of one DAG run, by the number of times that it had been cleared."""

    def __init__(self, run: DagRun, known: Iterable[Start], ids: Ids) -> None:
        starts = {start.run_id: start.started_at for start in known}
        numbers = range(MOST_CLEARS) if ids.tells_clears and starts else ()
        self._run = run
        self._starts = {n: starts[id_] for n in numbers if (id_ := ids.of_dag_run(run, n)) in starts}

    def present(self) -> int | None:
        """The number of the present DAG run, if it is stored: it began when the DAG run says that it did.

        A DAG run that is cleared while it runs keeps its start, and has two numbers: the last one counts.
        """
        present = [n for n, start in self._starts.items() if start is not None and start == self._run.start_date]
        return max(present, default=None)

    def earlier(self) -> int:
        """The number of stored DAG runs that began before the present one: each was cleared."""
        began = self._run.start_date
        return sum(start is not None and began is not None and start < began for start in self._starts.values())

    def at(self, time: datetime | None, present: int) -> int:
        """The number at a time, for a task that began then. `present`: the present number."""
        if time is None or self._run.start_date is None or time >= self._run.start_date:
            return present
        began = [n for n, start in self._starts.items() if start is not None and start <= time]
        return max(began) if began else max(present - 1, 0)


def may_have_been_cleared(task: TaskInstance, retries: int) -> bool:
    """Tell whether Airflow gave a task instance more tries than it is written with, which a clear does."""
    return task.max_tries > retries


def clears_after(
    tries: Sequence[TaskInstance], retries: int, *, restarted_at: datetime | None = None
) -> dict[int, int]:
    """Count how often a DAG run was cleared after each try of a task instance: try number → clears.

    A clear is a try that follows a success, or more tries than the task had left. `retries`: of the task as it is
    written. `restarted_at`: the start of a DAG run for which only clears count that made it start again, as Airflow 2
    counts them; None: all count.
    """
    by_number = sorted(tries, key=lambda one: one.try_number)
    before, most = {one.try_number: 0 for one in by_number[:1]}, retries + 1
    for one, following in pairwise(by_number):
        is_cleared = one.state != "failed" or one.try_number >= most
        if is_cleared:
            most = following.try_number + retries
        counts = restarted_at is None or (one.start_date is not None and one.start_date < restarted_at)
        before[following.try_number] = before[one.try_number] + (is_cleared and counts)
    return {number: max(before.values()) - count for number, count in before.items()}
