"""Layout of the grid of runs and jobs: which cell a group of child runs makes, which rows are shown, in which order."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from lineage.jobs.grid import CellRuns, cell_of, grid_of
from lineage.models import Job, Run

T0 = datetime(2026, 3, 2, tzinfo=UTC)
CONNECTION = UUID(int=9)
COLUMNS = [Run(run_at=T0 + timedelta(hours=hour)) for hour in range(3)]


def runs(state: str, *, column: int = 0, job: int = 1, at: int = 0, count: int = 1, **more: Any) -> CellRuns:
    """Make an entry. `at`: seconds after the start of the run above."""
    run_at = COLUMNS[column].run_at + timedelta(seconds=at)
    values = {"map_index": None, "started_at": run_at} | more
    return CellRuns(
        column,
        CONNECTION,
        UUID(int=job),
        state,
        count,
        run_at,
        UUID(int=job * 1000 + at),
        values["map_index"],
        False,
        None,
        run_at,
        values["started_at"],
        None,
    )


def job(number: int) -> Job:
    return Job(connection_id=CONNECTION, id=UUID(int=number), name=f"job {number}")


def names(found: list[CellRuns], jobs: int = 3, **more: Any) -> list[str]:
    grid = grid_of(COLUMNS, map(job, range(1, jobs + 1)), found, **{"only_failing": False, "most_rows": 30, **more})
    return [row.job.name for row in grid.rows] if grid else []


def test_the_last_try_decides() -> None:
    cell = cell_of([runs("RETRIED", at=1, count=2), runs("COMPLETED", at=9)])
    assert (cell.state, cell.retries, cell.counts) == ("COMPLETED", 2, {})
    cell = cell_of([runs("COMPLETED", at=9), runs("FAILED", at=1)])
    assert (cell.state, cell.latest.run_id) == ("COMPLETED", UUID(int=1009))
    # The next try has not begun.
    assert (cell_of([runs("RETRIED", at=1)]).state, cell_of([runs("RETRIED", at=1)]).retries) == ("RETRIED", 0)


def test_the_worst_of_mapped_instances_decides() -> None:
    found = [runs("COMPLETED", at=9, count=40, map_index=7), runs("FAILED", at=3, count=2, map_index=4)]
    cell = cell_of([*found, runs("RETRIED", count=3, map_index=1)])
    assert (cell.state, cell.latest.map_index, cell.retries) == ("FAILED", 4, 3)
    assert cell.counts == {"COMPLETED": 40, "FAILED": 2}


def test_rows_are_in_the_order_in_which_the_jobs_began_and_those_that_never_did_come_last() -> None:
    late_then_early = [runs("COMPLETED", job=1, at=60), runs("COMPLETED", job=1, at=5, column=2)]
    skipped = [runs("SKIPPED", job=2, at=1, started_at=None)]
    # The first try counts.
    retried = [runs("RETRIED", job=3, at=30), runs("FAILED", job=3, at=900), runs("COMPLETED", job=4, at=600)]
    found = names([*late_then_early, *skipped, *retried], jobs=4)
    assert found == ["job 1", "job 3", "job 4", "job 2"]


def test_failing_rows_are_not_left_out() -> None:
    found = [runs("COMPLETED", job=1), runs("COMPLETED", job=2, at=1), runs("LOST", job=3, at=2)]
    assert names(found, most_rows=2) == ["job 1", "job 3"]
    assert names(found, only_failing=True) == ["job 3"]
    grid = grid_of(COLUMNS, [job(1), job(3), job(4)], found, only_failing=True, most_rows=30)
    assert grid
    # Job 4 did not run in these runs, and job 2 is not asked for.
    assert (grid.jobs, grid.failing) == (2, 1)


def test_a_job_without_a_run_has_no_cell_and_without_child_runs_there_is_no_grid() -> None:
    grid = grid_of(COLUMNS, [job(1)], [runs("COMPLETED", column=1)], only_failing=False, most_rows=30)
    assert grid
    assert [cell and cell.state for cell in grid.rows[0].cells] == [None, "COMPLETED", None]
    assert grid_of(COLUMNS, [job(1)], [], only_failing=False, most_rows=30) is None
