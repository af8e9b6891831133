"""Grid of a job's latest runs and the jobs that they started: a column for each run, a row for each job. Pure.

A cell stands for the child runs of one job in one run: the tries of a task, or all instances of a mapped one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from lineage.models import Job, Run, RunState
from lineage.models.run_state import worst_state

# States of a cell for which its row is listed before others, and by `only_failing`.
_WRONG: Final = frozenset({RunState.FAILED, RunState.LOST})
# Most instances of a mapped task in one run that are counted.
MOST_INSTANCES: Final = 200
_SECOND: Final = timedelta(seconds=1)

JobKey = tuple[UUID, UUID]  # connection id, job id


class CellRuns(NamedTuple):
    """Child runs of one job in one run that are in one state. `column`: position of that run; `runs`: how many they
    are; `first_at`: when the first of them took place. The other values are those of the latest of them."""

    column: int
    connection_id: UUID
    job_id: UUID
    state: str
    runs: int
    first_at: datetime
    run_id: UUID
    map_index: int | None
    shares_run_id: bool
    attempt: int | None
    run_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class GridCell:
    """Child runs of one job in one run. `latest`: the latest of those that are in the cell's state, to which it leads.

    `began_at`: start of the first try or instance; None: none started. `counts`: state → how many instances of a mapped
    task; empty for a task that is not mapped. `retries`: how many tries others followed.
    """

    state: str
    latest: CellRuns
    began_at: datetime | None
    counts: Mapping[str, int]
    retries: int


@dataclass(frozen=True, slots=True)
class GridRow:
    """Job with its cells, one for each column. None: the job has no run there."""

    job: Job
    cells: Sequence[GridCell | None]

    @property
    def has_failure(self) -> bool:
        return any(cell.state in _WRONG for cell in self.cells if cell)


@dataclass(frozen=True, slots=True)
class RunGrid:
    """Latest runs of a job, the latest last, and the jobs that they started. `jobs`, `failing`: how many jobs there
    are, and how many of them failed in any of these runs; `rows` may be fewer."""

    columns: Sequence[Run]
    rows: Sequence[GridRow]
    jobs: int
    failing: int


def grid_of(
    columns: Sequence[Run], jobs: Iterable[Job], found: Iterable[CellRuns], *, only_failing: bool, most_rows: int
) -> RunGrid | None:
    """Lay out the grid. None: none of the jobs ran in these runs.

    `columns`: the latest last. `jobs`: those that need attention first; of too many the first are shown, failing ones
    before others. The rows are in the order in which the jobs began.
    """
    by_job: dict[JobKey, dict[int, list[CellRuns]]] = {}
    for runs in found:
        by_job.setdefault((runs.connection_id, runs.job_id), {}).setdefault(runs.column, []).append(runs)
    of_jobs = [(job, by_job[job.connection_id, job.id]) for job in jobs if (job.connection_id, job.id) in by_job]
    rows = [_row(job, of_columns, len(columns)) for job, of_columns in of_jobs]
    if not rows:
        return None
    failing = [row for row in rows if row.has_failure]
    others = [] if only_failing else [row for row in rows if not row.has_failure]
    chosen = sorted([*failing, *others][:most_rows], key=lambda row: _began(row, columns))
    return RunGrid(columns, chosen, len(rows), len(failing))


def _row(job: Job, of_columns: Mapping[int, Sequence[CellRuns]], columns: int) -> GridRow:
    return GridRow(job, [cell_of(of_columns[n]) if n in of_columns else None for n in range(columns)])


def cell_of(found: Sequence[CellRuns]) -> GridCell:
    """Return the cell of one job in one run. `found`: one entry for each state, one at least.

    The last try decides; of the instances of a mapped task the worst one.
    """
    last = [runs for runs in found if runs.state != RunState.RETRIED] or list(found)
    latest = max(last, key=lambda runs: (runs.run_at, runs.run_id))
    is_mapped = any(runs.map_index is not None for runs in last)
    if is_mapped and (worst := worst_state(runs.state for runs in last)):
        latest = next(runs for runs in last if runs.state == worst)
    counts = {runs.state: runs.runs for runs in last} if is_mapped else {}
    retries = sum(runs.runs for runs in found if runs.state == RunState.RETRIED and runs is not latest)
    began_at = min((runs.first_at for runs in found if runs.started_at is not None), default=None)
    return GridCell(latest.state, latest, began_at, counts, retries)


def _began(row: GridRow, columns: Sequence[Run]) -> tuple[bool, float, str]:
    """Sort key: time from the start of the latest run in which the job started to the job's own start there. Jobs that
    never started come last."""
    for run, cell in zip(reversed(columns), reversed(row.cells), strict=True):
        if cell and cell.began_at is not None:
            return False, (cell.began_at - run.run_at) / _SECOND, row.job.name
    return True, 0, row.job.name
