"""Airflow's own record of its runs, from its metadata database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from openlineage.client.uuid import generate_static_uuid

from tests.senders.airflow import NAMESPACE, Airflow
from tests.senders.airflow_scenario import WARM_UP

_DAG_RUNS = """
SELECT id AS key, dag_id, run_id, {date} AS date, state, clear_number, start_date, end_date
FROM dag_run WHERE dag_id <> %s ORDER BY dag_id, date
"""
# A task instance that no worker ran has no process id. The row of a rescheduled sensor has the start of its last check.
_TASK_INSTANCES = """
SELECT dag_run.id AS dag_run, task_id, map_index, task.state, try_number, pid IS NOT NULL AS had_worker,
    coalesce((SELECT min(start_date) FROM task_reschedule AS look WHERE {of_task}), task.start_date) AS start_date,
    task.end_date
FROM {table} AS task JOIN dag_run USING (dag_id, run_id) WHERE dag_id <> %s ORDER BY dag_id, task_id, map_index
"""
_OLD_LOOKS = "(look.dag_id, look.run_id, look.task_id) = (task.dag_id, task.run_id, task.task_id)"


@dataclass(frozen=True)
class DagRun:
    dag_id: str
    # Name in Airflow's pages and logs.
    run_id: str
    date: datetime
    state: str
    # Number of times that it was cleared. Each time it gets another OpenLineage run; Airflow has one row for all.
    clear_number: int
    start: datetime
    end: datetime

    def openlineage_id(self, clear_number: int) -> str:
        """Compute the id as the provider's `build_dag_run_ol_run_id` does."""
        return openlineage_id(self.date, self.dag_id, clear_number)

    @property
    def id(self) -> str:
        return self.openlineage_id(self.clear_number)

    @property
    def all_ids(self) -> list[str]:
        return [self.openlineage_id(number) for number in range(self.clear_number + 1)]


@dataclass(frozen=True)
class TaskInstance:
    """Task instance, or an earlier try. If no worker ran it, `start` and `end` are the time of the scheduler's
    decision."""

    dag_run: DagRun
    task_id: str
    map_index: int
    state: str
    attempt: int
    had_worker: bool
    start: datetime | None
    end: datetime | None

    @property
    def id(self) -> str:
        """Compute the id as the provider's `build_task_instance_ol_run_id` does."""
        return openlineage_id(self.dag_run.date, self.dag_run.dag_id, self.task_id, self.attempt, self.map_index)

    @property
    def job(self) -> str:
        return f"{self.dag_run.dag_id}.{self.task_id}"

    def __str__(self) -> str:
        return f"{self.job}[{self.map_index}] try {self.attempt}"


@dataclass(frozen=True)
class Record:
    dag_runs: list[DagRun]
    task_instances: list[TaskInstance]
    earlier_tries: list[TaskInstance]

    @classmethod
    def of(cls, airflow: Airflow) -> "Record":
        """Read the database of Airflow 3, or of Airflow 2 from 2.10 on."""
        date = "execution_date" if airflow.is_old else "coalesce(logical_date, run_after)"
        runs = {row.pop("key"): _dag_run(row) for row in airflow.rows(_DAG_RUNS.format(date=date), WARM_UP)}

        def tasks(table: str, *, id_: str) -> list[TaskInstance]:
            of_task = _OLD_LOOKS if airflow.is_old else f"look.ti_id = task.{id_}"
            rows = airflow.rows(_TASK_INSTANCES.format(table=table, of_task=of_task), WARM_UP)
            return [_task_instance(runs[row.pop("dag_run")], row) for row in rows]

        return cls(
            list(runs.values()),
            tasks("task_instance", id_="id"),
            tasks("task_instance_history", id_="task_instance_id"),
        )


def _dag_run(row: dict[str, Any]) -> DagRun:
    return DagRun(start=row.pop("start_date"), end=row.pop("end_date"), **row)


def _task_instance(dag_run: DagRun, row: dict[str, Any]) -> TaskInstance:
    return TaskInstance(
        dag_run, start=row.pop("start_date"), end=row.pop("end_date"), attempt=row.pop("try_number"), **row
    )


def openlineage_id(date: datetime, *parts: str | int) -> str:
    return str(generate_static_uuid(date, ".".join(map(str, [NAMESPACE, *parts])).encode()))
