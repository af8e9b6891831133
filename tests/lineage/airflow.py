"""Airflow's events, as its provider shapes them, short to write."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from tests.lineage.build import at, run_event

NAMES = UUID(int=7)


def dag_run_id(dag_run: str = "d1", dag: str = "dag") -> str:
    return str(uuid5(NAMES, f"{dag}/{dag_run}"))


def task_run_id(task: str, attempt: int = 1, map_index: int = -1, dag_run: str = "d1") -> str:
    """A try of an instance has an id of its own."""
    return str(uuid5(NAMES, f"{dag_run}/{task}/{attempt}/{map_index}"))


def task_event(
    type_: str,
    seconds: float,
    task: str = "load",
    *,
    attempt: int = 1,
    retries: int = 2,
    map_index: int = -1,
    dag_run: str = "d1",
    **fields: Any,
) -> bytes:
    facets: dict[str, Any] = {
        "parent": {"run": {"runId": dag_run_id(dag_run)}, "job": {"namespace": "default", "name": "dag"}},
        "airflow": {
            "taskInstance": {"try_number": attempt, **({"map_index": map_index} if map_index >= 0 else {})},
            "task": {"retries": retries},
        },
    }
    run = task_run_id(task, attempt, map_index, dag_run)
    return run_event(type_, at(seconds), run=run, job=f"dag.{task}", namespace="default", run_facets=facets, **fields)


def dag_event(
    type_: str,
    seconds: float,
    tasks_state: Mapping[str, str | None] | None = None,
    *,
    durations: dict[str, float] | None = None,
    message: str | None = None,
    dag_run: str = "d1",
    about: dict[str, Any] | None = None,
) -> bytes:
    facets: dict[str, Any] = {}
    if tasks_state is not None:
        facets["airflowState"] = {"dagRunState": "success", "tasksState": tasks_state}
        if durations is not None:
            facets["airflowState"]["tasksDuration"] = durations
    if message is not None:
        facets["errorMessage"] = {"message": message, "programmingLanguage": "python"}
    if about is not None:
        facets["airflowDagRun"] = {"dagRun": about}
    job_facets = {"jobType": {"jobType": "DAG", "integration": "AIRFLOW", "processingType": "BATCH"}}
    return run_event(
        type_,
        at(seconds),
        run=dag_run_id(dag_run),
        job="dag",
        namespace="default",
        run_facets=facets,
        job_facets=job_facets,
    )
