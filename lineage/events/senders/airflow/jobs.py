"""What the run facets `airflow` and `airflowDagRun` say of a DAG and of a task (seen with
apache-airflow-providers-openlineage 2.20)."""

import ast
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw, Struct

from lineage.events.facets import MAX_TEXT_CHARACTERS, NOTHING, RunFacets, count_or_none, read_facet
from lineage.events.job_facets import MAX_LABEL_CHARACTERS, MAX_LABELS, labels
from lineage.events.senders.sender import NO_TRIES, Described, JobName, Tries
from lineage.events.text import storable


class _TaskInstance(Struct):
    try_number: int | None = None
    map_index: int | None = None


class _Task(Struct):
    retries: int | None = None


class TaskFacet(Struct):
    """The facet `airflow` of a task."""

    taskInstance: _TaskInstance = msgspec.field(default_factory=_TaskInstance)
    task: _Task = msgspec.field(default_factory=_Task)


class _Dag(Struct):
    """`tags` is a Python list written as text."""

    dag_id: str | None = None
    tags: str | list[str] | None = None
    timetable: Raw = NOTHING
    timetable_summary: str | None = None


class _OfDag(Struct):
    dag: _Dag


class _Timetable(Struct):
    expression: str | None = None
    timezone: str | None = None


def tries(facets: RunFacets) -> Tries:
    """Try number, the most tries that the task is given, and map index (None where the task is not mapped)."""
    facet = read_facet(getattr(facets, "airflow", NOTHING), TaskFacet)
    if facet is None:
        return NO_TRIES
    retries = count_or_none(facet.task.retries)
    return (
        count_or_none(facet.taskInstance.try_number),
        None if retries is None else retries + 1,
        count_or_none(facet.taskInstance.map_index),
    )


def derived_type(_integration: str, _name: str, has_parent: bool) -> tuple[str, str]:
    return "TASK" if has_parent else "DAG", ""


def described(namespace: str, name: str, facets: RunFacets, parent: JobName | None, has_tags: bool) -> Described:
    """Parent, tags and schedule of a DAG or a task, from what is said of the DAG."""
    dag, of_task = _dag(getattr(facets, "airflowDagRun", NOTHING)), getattr(facets, "airflow", NOTHING)
    if of_task is not NOTHING and (parent is None or not has_tags):
        # Providers that send the facets of the specification spare us this.
        its_dag = _dag(of_task)
        parent = parent or _dag_of_task(namespace, name, its_dag)
        dag = dag or its_dag
    if dag is None:
        return parent, None, None
    return parent, None if has_tags else _tags(dag), _schedule(dag) if dag.dag_id == name else None


def _dag(raw: Raw) -> _Dag | None:
    """What one of the two run facets says of the DAG."""
    facet = read_facet(raw, _OfDag)
    return facet.dag if facet else None


def _dag_of_task(namespace: str, name: str, dag: _Dag | None) -> JobName | None:
    if dag is None or not dag.dag_id or not name.startswith(f"{dag.dag_id}."):
        return None
    return namespace, storable(dag.dag_id)[:MAX_TEXT_CHARACTERS]


def _schedule(dag: _Dag) -> tuple[str, str] | None:
    """The schedule as Airflow shows it, and the time zone of a cron expression."""
    timetable = read_facet(dag.timetable, _Timetable) or _Timetable()
    summary = dag.timetable_summary or timetable.expression
    if not summary:
        return None
    zone = timetable.timezone if timetable.expression and timetable.timezone else ""
    return storable(summary)[:MAX_TEXT_CHARACTERS], storable(zone)[:MAX_LABEL_CHARACTERS]


def _tags(dag: _Dag) -> tuple[str, ...] | None:
    """Tags of providers that send no tags facet."""
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
    # Airflow before 2.10 wrote a list, others a set.
    return labels(sorted(map(str, said))) if isinstance(said, list | tuple | set) else None
