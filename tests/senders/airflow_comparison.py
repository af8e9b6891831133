"""Comparison of shown runs with Airflow's own record of them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from tests.senders.airflow_record import DagRun, TaskInstance
from tests.senders.airflow_scenario import CLEARED
from tests.senders.airflow_shown import ShownRun

STATES = {
    "success": "COMPLETED",
    "failed": "FAILED",
    "skipped": "SKIPPED",
    "upstream_failed": "UPSTREAM_FAILED",
}
TOLERANCE = timedelta(seconds=1)


class RunOutcome(NamedTuple):
    """Outcome of a run by both records, in the API's words. `differences` compares times as seconds apart."""

    state: str
    attempt: int | None
    map_index: int | None
    start: datetime | None
    end: datetime | None


def shown_outcome(run: ShownRun | None) -> RunOutcome | None:
    return RunOutcome(run.state, run.attempt, run.map_index, run.start, run.end) if run else None


def of_dag_run(run: DagRun) -> RunOutcome:
    return RunOutcome(STATES[run.state], None, None, run.start, run.end)


def of_task(task: TaskInstance) -> RunOutcome:
    map_index = None if task.map_index == -1 else task.map_index
    return RunOutcome(STATES[task.state], task.attempt, map_index, task.start, task.end)


def of_no_worker(task: TaskInstance) -> RunOutcome:
    """Return the outcome of a task that no worker ran: events then report only the state."""
    return RunOutcome(STATES[task.state], None, None, None, None)


def differences(pairs: Iterable[tuple[str, RunOutcome, RunOutcome | None]]) -> dict[str, str]:
    return {what: f"{said} but {shown}" for what, said, shown in pairs if shown is None or not _agree(said, shown)}


def _agree(said: RunOutcome, shown: RunOutcome) -> bool:
    same = said[:3] == shown[:3]
    return same and all(_close(a, b) for a, b in zip(said[3:], shown[3:], strict=True))


def _close(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= TOLERANCE


class Shown:
    """Runs that the API shows, by id, and tasks that a DAG run reported, by DAG run and job."""

    def __init__(self, runs: list[ShownRun]) -> None:
        self.by_id = {run.id: run for run in runs if run.events}
        self.reported_runs = {(run.parent_id, run.job): run for run in runs if not run.events}
        assert len(self.by_id) + len(self.reported_runs) == len(runs)

    def reported(self, id_: str) -> RunOutcome | None:
        return shown_outcome(self.by_id.get(id_))

    def of_no_worker(self, task: TaskInstance, *, clear_number: int) -> RunOutcome | None:
        return shown_outcome(self.reported_runs.get((task.dag_run.openlineage_id(clear_number), task.job)))


def shown_ids(run: DagRun) -> list[str]:
    """Return the shown ids: a DAG run that was cleared while it ran is one run, under its last id."""
    return [run.id] if run.dag_id == CLEARED else run.all_ids


def of_earlier_try(task: TaskInstance) -> RunOutcome:
    """Return the outcome of an earlier try. After a clearing no try followed in that DAG run, so it keeps its state."""
    was_retried = task.state == "failed" and not task.dag_run.clear_number
    return of_task(task)._replace(state="RETRIED" if was_retried else STATES[task.state])
