"""Facts of DAGs and tasks from the run facets `airflow` and `airflowDagRun` (seen with
apache-airflow-providers-openlineage 2.20)."""

import ast
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw, Struct

from lineage.events.facets import MAX_TEXT_CHARACTERS, NOTHING, RunFacets, count_or_none, read_facet
from lineage.events.job_facets import MAX_LABEL_CHARACTERS, MAX_LABELS, labels
from lineage.events.senders.sender import JobDescription, JobName, Tries
from lineage.events.text import storable


class _TaskInstance(Struct):
    try_number: int | None = None
    map_index: int | None = None


class _Task(Struct):
    retries: int | None = None


class TaskFacet(Struct):
    """Facet `airflow` of a task."""

    taskInstance: _TaskInstance = msgspec.field(default_factory=_TaskInstance)
    task: _Task = msgspec.field(default_factory=_Task)


class MappedTask(Struct):
    """Facet `airflow_mappedTask` of openlineage-airflow, before Airflow had a provider."""

    mapIndex: int | None = None


class _Timetable(Struct):
    expression: str | None = None
    timezone: str | None = None


class _Dag(Struct):
    """DAG in a facet. `tags` may be a Python list written as text."""

    dag_id: str | None = None
    tags: str | list[str] | None = None
    timetable: _Timetable | None = None
    timetable_summary: str | None = None


class FacetWithDag(Struct):
    dag: _Dag | None = None


def tries(facets: RunFacets) -> Tries:
    """Return the try number, the allowed number of tries, and the map index (None if the task is not mapped)."""
    facet = read_facet(getattr(facets, "airflow", NOTHING), TaskFacet) or TaskFacet()
    mapped = read_facet(getattr(facets, "airflow_mappedTask", NOTHING), MappedTask) or MappedTask()
    retries = count_or_none(facet.task.retries)
    map_index = mapped.mapIndex if facet.taskInstance.map_index is None else facet.taskInstance.map_index
    return (
        count_or_none(facet.taskInstance.try_number),
        None if retries is None else retries + 1,
        count_or_none(map_index),
    )


def derived_type(_integration: str, _name: str, has_parent: bool) -> tuple[str, str]:
    return "TASK" if has_parent else "DAG", ""


def describe_job(
    namespace: str, name: str, facets: RunFacets, parent: JobName | None, has_tags: bool
) -> JobDescription:
    """Return parent, tags and schedule of a DAG or a task, from what the facets say of the DAG."""
    dag, of_task = _dag(getattr(facets, "airflowDagRun", NOTHING)), getattr(facets, "airflow", NOTHING)
    if of_task is not NOTHING and (parent is None or not has_tags):
        # Providers that send the specification's facets need no such fallback.
        its_dag = _dag(of_task)
        parent = parent or _dag_of_task(namespace, name, its_dag)
        dag = dag or its_dag
    if dag is None:
        return parent, None, None
    return parent, None if has_tags else _tags(dag), _schedule(dag) if dag.dag_id == name else None


def _dag(raw: Raw) -> _Dag | None:
    """Read the DAG from one of the two run facets."""
    facet = read_facet(raw, FacetWithDag)
    return facet.dag if facet else None


def _dag_of_task(namespace: str, name: str, dag: _Dag | None) -> JobName | None:
    if dag is None or not dag.dag_id or not name.startswith(f"{dag.dag_id}."):
        return None
    return namespace, storable(dag.dag_id)[:MAX_TEXT_CHARACTERS]


def _schedule(dag: _Dag) -> tuple[str, str] | None:
    """Return the schedule as Airflow shows it, and the time zone if it is a cron expression."""
    timetable = dag.timetable or _Timetable()
    summary = dag.timetable_summary or timetable.expression
    if not summary:
        return None
    zone = timetable.timezone if timetable.expression and timetable.timezone else ""
    return storable(summary)[:MAX_TEXT_CHARACTERS], storable(zone)[:MAX_LABEL_CHARACTERS]


def _tags(dag: _Dag) -> tuple[str, ...] | None:
    """Read tags of providers that send no `tags` facet."""
    if isinstance(dag.tags, str):
        return _tags_in_text(dag.tags)
    return None if dag.tags is None else labels(dag.tags)


@lru_cache(1024)
def _tags_in_text(text: str) -> tuple[str, ...] | None:
    if len(text) > MAX_LABELS * MAX_LABEL_CHARACTERS:
        return None
    try:
        said: Any = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    # Airflow before 2.10 wrote a list, later versions a set.
    return labels(sorted(map(str, said))) if isinstance(said, list | tuple | set) else None
