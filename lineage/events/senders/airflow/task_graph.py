"""Task order of an Airflow DAG, from the job facet `airflow` in the first event of a DAG run (seen with
apache-airflow-providers-openlineage 2.20).

Pages need it to name the task whose failure held up another task: the events of the two do not name each other.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, Final

from lineage.events.senders.airflow.words import WORDS
from lineage.events.senders.sender import SILENT, TaskStates
from lineage.events.senders.task_graph import TaskGraph, upstream_tasks

# Most tasks that one sentence names.
_MOST_LISTED: Final = 3
_SOMETHING: Final = "what it depends on"
_MAPPED_OVER_NOTHING: Final = "it was mapped over nothing"
_OR_LEFT_OUT: Final = f"{_MAPPED_OVER_NOTHING}, or its trigger rule left it out"


def task_graph(job_facets: Mapping[str, Any]) -> TaskGraph:
    """Return task id → the tasks directly before it. Empty if no event has it in the provider's form."""
    facet = job_facets.get("airflow")
    tasks = facet.get("tasks") if isinstance(facet, dict) else None
    before: dict[str, set[str]] = defaultdict(set)
    for task, said in tasks.items() if isinstance(tasks, dict) else ():
        following = said.get("downstream_task_ids") if isinstance(said, dict) else None
        for other in following if isinstance(following, list) else ():
            if isinstance(other, str):
                before[other].add(task)
    return {task: frozenset(others) for task, others in before.items()}


def why_without_state(task: str, reported: TaskStates, graph: TaskGraph) -> str:
    """Explain why Airflow skipped a task when it ended the DAG run, before the task had a state.

    `reported`: the task states that the DAG run reports.
    """
    return _MAPPED_OVER_NOTHING if _is_mapped_over_nothing(task, reported, graph) else _OR_LEFT_OUT


def _is_mapped_over_nothing(task: str, reported: TaskStates, graph: TaskGraph) -> bool:
    """Tell whether a task was certainly mapped over an empty list.

    It is certain if no other task lacks a state, and all tasks directly before it succeeded (all other tasks, if the
    order is unknown).
    """
    before = graph.get(task) or reported.task_states.keys()
    succeeded = all(reported.task_states.get(other) == "success" for other in before)
    return reported.tasks_without_state == {task} and succeeded


def why_silent(task: str, reported: TaskStates, graph: TaskGraph) -> str:
    """Explain why a task sent no event. `reported`: the task states at the end of the DAG run."""
    states = reported.task_states
    match states.get(task):
        case "upstream_failed":
            failed = [other for other in upstream_tasks(task, graph) if states.get(other) == "failed"]
            return f"never ran: {_listed(failed)} failed before it" if failed else f"never ran: {_SOMETHING} failed"
        case "skipped":
            skipped = [other for other in graph.get(task, ()) if states.get(other) == "skipped"]
            follows = f"follows {_listed(skipped)}, skipped too"
            return follows if skipped else f"skipped by Airflow: {WORDS.skipped}"
        case "success":
            return "sent no events, as Airflow's empty operators do"
        case None if task in reported.tasks_without_state:
            return f"skipped by Airflow: {why_without_state(task, reported, graph)}"
    return SILENT


def _listed(tasks: Collection[str]) -> str:
    shown = sorted(tasks)[:_MOST_LISTED]
    return f"{', '.join(shown)}{' and others' if len(tasks) > len(shown) else ''}"
