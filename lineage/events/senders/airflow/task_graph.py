"""Which task of an Airflow DAG comes after which, as the first event of a DAG run has it in the job facet `airflow`
(seen with apache-airflow-providers-openlineage 2.20).

Only with it can be said by which task another one was held up: the events of neither name the other.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, Final

from lineage.events.senders.airflow.words import WORDS
from lineage.events.senders.sender import SILENT, TaskStates
from lineage.events.senders.task_graph import TaskGraph, came_before

# Of the tasks that one sentence names.
_MOST_LISTED: Final = 3
_SOMETHING: Final = "what it depends on"
_MAPPED_OVER_NOTHING: Final = "it was mapped over nothing"
_OR_LEFT_OUT: Final = f"{_MAPPED_OVER_NOTHING}, or its trigger rule left it out"


def task_graph(job_facets: Mapping[str, Any]) -> TaskGraph:
    """Task id → those right before it. Empty where no event said it, or not as the provider does."""
    facet = job_facets.get("airflow")
    tasks = facet.get("tasks") if isinstance(facet, dict) else None
    before: dict[str, set[str]] = defaultdict(set)
    for task, said in tasks.items() if isinstance(tasks, dict) else ():
        following = said.get("downstream_task_ids") if isinstance(said, dict) else None
        for other in following if isinstance(following, list) else ():
            if isinstance(other, str):
                before[other].add(task)
    return {task: frozenset(others) for task, others in before.items()}


def why_without_state(task: str, told: TaskStates, graph: TaskGraph) -> str:
    """Why Airflow skipped a task as it ended the DAG run, before the task had a state. `told`: by the DAG run."""
    return _MAPPED_OVER_NOTHING if _is_mapped_over_nothing(task, told, graph) else _OR_LEFT_OUT


def _is_mapped_over_nothing(task: str, told: TaskStates, graph: TaskGraph) -> bool:
    """Tell whether a task was certainly mapped over nothing: it is the only one without a state, and all that is right
    before it succeeded, or where that is not known, all others."""
    before = graph.get(task) or told.task_states.keys()
    succeeded = all(told.task_states.get(other) == "success" for other in before)
    return told.tasks_without_state == {task} and succeeded


def why_silent(task: str, told: TaskStates, graph: TaskGraph) -> str:
    """Why a task sent no event, in words. `told`: by the end of the DAG run."""
    states = told.task_states
    match states.get(task):
        case "upstream_failed":
            failed = [other for other in came_before(task, graph) if states.get(other) == "failed"]
            return f"never ran: {_listed(failed)} failed before it" if failed else f"never ran: {_SOMETHING} failed"
        case "skipped":
            skipped = [other for other in graph.get(task, ()) if states.get(other) == "skipped"]
            follows = f"follows {_listed(skipped)}, skipped too"
            return follows if skipped else f"skipped by Airflow: {WORDS.skipped}"
        case "success":
            return "sent no events, as Airflow's empty operators do"
        case None if task in told.tasks_without_state:
            return f"skipped by Airflow: {why_without_state(task, told, graph)}"
    return SILENT


def _listed(tasks: Collection[str]) -> str:
    shown = sorted(tasks)[:_MOST_LISTED]
    return f"{', '.join(shown)}{' and others' if len(tasks) > len(shown) else ''}"
