"""Record that Airflow 2.9 has of its runs: its metadata database, with the audit log for tries before the last one."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.senders.airflow import Airflow
from tests.senders.airflow_record import DagRun, TaskInstance, openlineage_id
from tests.senders.airflow_scenario import WARM_UP

_DAG_RUNS = """
SELECT id AS key, dag_id, run_id, execution_date AS date, state, clear_number, start_date, end_date
FROM dag_run WHERE dag_id <> %s ORDER BY dag_id, date
"""
# A task instance that no worker ran has no process id. The row of a rescheduled sensor has the start of its last check.
_TASK_INSTANCES = """
SELECT dag_run.id AS dag_run, task_id, map_index, task.state, try_number, pid IS NOT NULL AS had_worker,
    coalesce((
        SELECT min(start_date) FROM task_reschedule AS one
        WHERE one.dag_id = task.dag_id AND one.run_id = task.run_id AND one.task_id = task.task_id
    ), task.start_date) AS start_date, task.end_date
FROM task_instance AS task JOIN dag_run USING (dag_id, run_id) WHERE dag_id <> %s ORDER BY dag_id, task_id, map_index
"""
_LOG = """
SELECT dag_run.id AS dag_run, task_id, map_index, event, dttm AS at FROM log JOIN dag_run USING (dag_id, run_id)
WHERE task_id IS NOT NULL AND event IN ('running', 'success', 'failed', 'skipped') ORDER BY log.id
"""
_Task = tuple[int, str, int]


class OldDagRun(DagRun):
    def openlineage_id(self, clear_number: int) -> str:  # noqa: ARG002 - it stays when the DAG run is cleared
        """Compute the id as the provider's `build_dag_run_id` does."""
        return openlineage_id(self.date, self.dag_id)


class OldTaskInstance(TaskInstance):
    @property
    def id(self) -> str:
        """Compute the id as the provider's `build_task_instance_run_id` does: all instances of a mapped task share
        it."""
        return openlineage_id(self.dag_run.date, self.dag_run.dag_id, self.task_id, self.attempt)


@dataclass(frozen=True)
class _Logged:
    """End of a try, in Airflow's log."""

    state: str
    start: datetime | None
    end: datetime


@dataclass(frozen=True)
class OldRecord:
    dag_runs: list[DagRun]
    # Last try of each task instance that has a state.
    last_tries: list[TaskInstance]
    earlier_tries: list[TaskInstance]
    # Failures of a killed try, after its first failure.
    failed_again: list[TaskInstance]

    @classmethod
    def of(cls, airflow: Airflow) -> "OldRecord":
        runs = {row.pop("key"): _dag_run(row) for row in airflow.rows(_DAG_RUNS, WARM_UP)}
        record = cls(list(runs.values()), [], [], [])
        logged = _logged(airflow)
        for row in airflow.rows(_TASK_INSTANCES, WARM_UP):
            key = row["dag_run"], row["task_id"], row["map_index"]
            record._add(runs[row.pop("dag_run")], row, logged[key])
        return record

    def _add(self, run: DagRun, row: dict[str, Any], logged: list[_Logged]) -> None:
        task = _task_instance(run, row)
        is_over = task.state is not None and task.state != "removed"
        if is_over:
            # The provider sends no end of a try that Airflow does not log, nor of a skipped one.
            is_sent = len(logged) >= task.attempt and task.state != "skipped"
            self.last_tries.append(_replaced(task, end=task.end if is_sent else None))
        for number, one in enumerate(logged, 1):
            if number < task.attempt or (number == task.attempt and not is_over):
                self.earlier_tries.append(
                    _replaced(task, attempt=number, state=one.state, start=one.start, end=one.end)
                )
            elif number > task.attempt:
                self.failed_again.append(_replaced(task, attempt=number, state=one.state, start=None, end=one.end))


def _logged(airflow: Airflow) -> dict[_Task, list[_Logged]]:
    """Return the ends of each task's tries, in their order."""
    ends: dict[_Task, list[_Logged]] = defaultdict(list)
    started: dict[_Task, datetime] = {}
    for row in airflow.rows(_LOG):
        key = row["dag_run"], row["task_id"], row["map_index"]
        if row["event"] == "running":
            # A task that waits runs again, in one try.
            started.setdefault(key, row["at"])
        else:
            ends[key].append(_Logged(row["event"], started.pop(key, None), row["at"]))
    return ends


def _dag_run(row: dict[str, Any]) -> DagRun:
    return OldDagRun(start=row.pop("start_date"), end=row.pop("end_date"), **row)


def _task_instance(dag_run: DagRun, row: dict[str, Any]) -> TaskInstance:
    return OldTaskInstance(
        dag_run, start=row.pop("start_date"), end=row.pop("end_date"), attempt=row.pop("try_number"), **row
    )


def _replaced(task: TaskInstance, **changes: Any) -> TaskInstance:
    return OldTaskInstance(**(vars(task) | changes))
