"""OpenLineage events of Airflow's records, in the dialect of its OpenLineage provider. Pure.

So skips, retries, clears and tasks without a worker are understood as in what Airflow pushes itself.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

import msgspec

from pull.documents import Author, text_of, without_none
from pull.sources.airflow.reasons import Reason, facet_of
from pull.sources.airflow.records import RUNNING, Dag, DagRun, Task, TaskInstance
from pull.sources.airflow.run_ids import Ids
from pull.sources.fetched import DescribedJob

# A run in these states has not begun, or is none.
WAITING: Final = frozenset((None, "none", "scheduled", "queued", "removed", "up_for_retry", "upstream_failed"))
_ENDS: Final = {"success": "COMPLETE", "failed": "FAIL", "skipped": "COMPLETE", "shutdown": "FAIL"}
DAG_ENDS: Final = {"success": "COMPLETE", "failed": "FAIL"}
# State of a DAG run → how it is shown.
LISTED_AS: Final = {"success": "COMPLETED", "failed": "FAILED", "running": "RUNNING"}
_DAG_WAITS: Final = frozenset((None, "queued"))
# Why a DAG run failed, as the provider says it of one that Airflow ended because of its tasks.
_TASK_FAILURE: Final = "task_failure"


class UnknownState(Exception):
    """Airflow has a state that this version of the product does not know. Its text is the state."""


class _WriteTask(Protocol):
    def __call__(self, event_type: str, at: datetime, reason: Reason | None = None) -> bytes: ...


class ParentRun(NamedTuple):
    """DAG run of a task instance, and its run id at the time of the task."""

    run: DagRun
    run_id: UUID


class Writer:
    """Writes the events of one Airflow. `ids`: of the namespace that its jobs have."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._author = Author("airflow", ids.namespace)

    def dag_run(
        self, run: DagRun, clear_number: int, *, order: Mapping[str, Task], tasks: Sequence[TaskInstance]
    ) -> Iterator[bytes]:
        """Events of a DAG run: its start, and its end if it has ended.

        `order`: the DAG's tasks by id. `tasks`: its task instances, if it has ended. Raises UnknownState.
        """
        if run.state in _DAG_WAITS or run.start_date is None:
            return
        if run.state != "running" and run.state not in DAG_ENDS:
            raise UnknownState(run.state)
        run_id = self._ids.of_dag_run(run, clear_number)
        facets: dict[str, Mapping[str, Any]] = {
            "airflowDagRun": {"dag": {"dag_id": run.dag_id}, "dagRun": _dag_run_facet(run, clear_number)}
        }
        if nominal := _nominal_time(run):
            facets["nominalTime"] = nominal
        job = {"jobType": _job_type("DAG")}
        structure = {"airflow": {"tasks": _structure(order)}} if order else {}
        yield self._author.run_event(
            "START", run.start_date, run_id, run.dag_id, run_facets=facets, job_facets={**job, **structure}
        )
        if run.end_date is not None and run.state in DAG_ENDS:
            ended = {**facets, "airflowState": _states(run, tasks)}
            if run.state == "failed" and any(task.state == "failed" for task in tasks):
                ended["errorMessage"] = {"message": _TASK_FAILURE, "programmingLanguage": "python"}
            yield self._author.run_event(
                DAG_ENDS[run.state], run.end_date, run_id, run.dag_id, run_facets=ended, job_facets=job
            )

    def task(
        self, task: TaskInstance, parent: ParentRun, *, retries: int, why_failed: Callable[[], Reason | None]
    ) -> Iterator[bytes]:
        """Events of a try of a task: its start, and its end if it has ended. None if it was not begun, or ended without
        a worker: then its DAG run tells its state. Raises UnknownState."""
        if task.state in WAITING:
            return
        if task.state not in RUNNING and task.state not in _ENDS:
            raise UnknownState(task.state)
        is_failed = _ENDS.get(task.state or "") == "FAIL"
        if task.pid is None and task.state in _ENDS and not is_failed:
            return
        write = self._writer_of(task, parent, retries)
        if task.start_date is not None:
            yield write("START", task.start_date)
        if task.state in _ENDS and (ended_at := task.end_date or (task.start_date if is_failed else None)):
            reason = why_failed() if is_failed else None
            yield write(_ENDS[task.state], ended_at, reason)

    def still_running(self, task: TaskInstance, parent: ParentRun, *, retries: int, at: datetime) -> bytes:
        """Event of a task that runs for long. `at`: a full hour."""
        return self._writer_of(task, parent, retries)("RUNNING", at)

    def dag_still_running(self, run: DagRun, clear_number: int, *, at: datetime) -> bytes:
        facets = {"airflowDagRun": {"dag": {"dag_id": run.dag_id}, "dagRun": _dag_run_facet(run, clear_number)}}
        run_id = self._ids.of_dag_run(run, clear_number)
        job = {"jobType": _job_type("DAG")}
        return self._author.run_event("RUNNING", at, run_id, run.dag_id, run_facets=facets, job_facets=job)

    def described(self, dag: Dag) -> DescribedJob | None:
        """Describe a DAG. None if Airflow has not read it yet."""
        if dag.last_parsed_time is None:
            return None
        facets: dict[str, Mapping[str, Any]] = {
            "jobType": _job_type("DAG"),
            "ownership": {"owners": [{"name": owner} for owner in dag.owners]},
            "tags": {"tags": [{"key": tag.name, "value": "true", "source": "AIRFLOW"} for tag in dag.tags]},
            "documentation": {"description": dag.description or ""},
            "observatory_job": without_none({"schedule": schedule_of(dag) or "", "paused": dag.is_paused}),
        }
        text = msgspec.json.encode([dag.dag_id, facets], order="sorted")
        fingerprint = UUID(bytes=blake2b(text, digest_size=16).digest())
        return DescribedJob(dag.dag_id, fingerprint, self._author.job_event(dag.last_parsed_time, dag.dag_id, facets))

    def _writer_of(self, task: TaskInstance, parent: ParentRun, retries: int) -> "_WriteTask":
        run_id = self._ids.of_task(task, parent.run)
        instance = {"try_number": task.try_number, "map_index": task.map_index if task.map_index >= 0 else None}
        facets: dict[str, Mapping[str, Any]] = {
            "airflow": {
                "dag": {"dag_id": task.dag_id},
                "dagRun": {"run_id": task.dag_run_id},
                "task": without_none({"task_id": task.task_id, "retries": retries, "operator_class": task.operator}),
                "taskInstance": without_none(instance),
            },
            "parent": self._author.parent(parent.run_id, task.dag_id),
        }
        name = f"{task.dag_id}.{task.task_id}"
        job = {"jobType": _job_type("TASK")}

        def write(event_type: str, at: datetime, reason: Reason | None = None) -> bytes:
            run_facets = facets | ({"errorMessage": facet_of(reason)} if reason else {})
            return self._author.run_event(event_type, at, run_id, name, run_facets=run_facets, job_facets=job)

        return write


def schedule_of(dag: Dag) -> str | None:
    """Return the schedule as Airflow shows it."""
    if dag.timetable_summary:
        return dag.timetable_summary
    interval = dag.schedule_interval
    value = interval.get("value") if isinstance(interval, dict) else None
    return value if isinstance(value, str) else None


def _job_type(job_type: str) -> dict[str, str]:
    return {"integration": "AIRFLOW", "jobType": job_type, "processingType": "BATCH"}


def _dag_run_facet(run: DagRun, clear_number: int) -> dict[str, Any]:
    times = {"logical_date": run.logical_date, "run_after": run.run_after, "start_date": run.start_date}
    return {
        "run_id": run.dag_run_id,
        "clear_number": clear_number,
        **without_none({"run_type": run.run_type}),
        **{name: text_of(time) for name, time in times.items() if time is not None},
    }


def _nominal_time(run: DagRun) -> dict[str, str] | None:
    start, end = run.data_interval_start, run.data_interval_end
    if start is None or end is None:
        return None
    return {"nominalStartTime": text_of(start), "nominalEndTime": text_of(end)}


def _structure(order: Mapping[str, Task]) -> dict[str, Any]:
    return {task_id: {"downstream_task_ids": sorted(task.downstream_task_ids)} for task_id, task in order.items()}


def _states(run: DagRun, tasks: Iterable[TaskInstance]) -> dict[str, Any]:
    """Facet `airflowState`: the state of each task, of a mapped task the worst, and the seconds that it took."""
    states: dict[str, str] = {}
    seconds: dict[str, float] = {}
    for task in sorted(tasks, key=lambda task: (task.task_id, task.map_index)):
        seconds[task.task_id] = max(seconds.get(task.task_id, 0.0), task.duration or 0.0)
        if task.state and _badness(task.state) >= _badness(states.get(task.task_id)):
            states[task.task_id] = task.state
    return {"dagRunState": run.state, "tasksState": states, "tasksDuration": seconds}


def _badness(state: str | None) -> int:
    order = (None, "skipped", "success", "upstream_failed", "failed")
    return order.index(state) if state in order else 2
