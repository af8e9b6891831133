"""Which task of an Airflow DAG comes after which, as the first event of a DAG run has it in the job facet `airflow`
(seen with apache-airflow-providers-openlineage 2.20). Pure.

Only with it can be said by which task another one was held up: the events of neither name the other.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, Final

from lineage.events.contents import RunContents

# Of the tasks that one sentence names.
MOST_LISTED: Final = 3
_SOMETHING: Final = "what it depends on"
MAPPED_OVER_NOTHING: Final = "it was mapped over nothing"
OR_LEFT_OUT: Final = f"{MAPPED_OVER_NOTHING}, or its trigger rule left it out"

TaskGraph = Mapping[str, frozenset[str]]


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


def came_before(task: str, graph: TaskGraph) -> set[str]:
    """All tasks before this one, near and far."""
    found: set[str] = set()
    wanted = [task]
    while wanted:
        new = graph.get(wanted.pop(), frozenset()) - found
        found |= new
        wanted += new
    return found - {task}


def is_mapped_over_nothing(task: str, contents: RunContents, graph: TaskGraph) -> bool:
    """Whether that is certain of a task that Airflow skipped as it ended the DAG run: it is the only one, and all that
    is right before it succeeded, or where that is not known, all others. `contents`: the DAG run's."""
    before = graph.get(task) or contents.task_states.keys()
    succeeded = all(contents.task_states.get(other) == "success" for other in before)
    return contents.tasks_without_state == {task} and succeeded


def why_silent(task: str, contents: RunContents, graph: TaskGraph) -> str:
    """Why a task sent no event, in words. `contents`: the DAG run's, with the states that its end tells."""
    states = contents.task_states
    match states.get(task):
        case "upstream_failed":
            failed = [other for other in came_before(task, graph) if states.get(other) == "failed"]
            return f"never ran: {_listed(failed)} failed before it" if failed else f"never ran: {_SOMETHING} failed"
        case "skipped":
            skipped = [other for other in graph.get(task, ()) if states.get(other) == "skipped"]
            follows = f"follows {_listed(skipped)}, skipped too"
            return follows if skipped else "skipped by Airflow: a branch or a condition went another way"
        case "success":
            return "sent no events, as Airflow's empty operators do"
        case None if task in contents.tasks_without_state:
            is_certain = is_mapped_over_nothing(task, contents, graph)
            return f"skipped by Airflow: {MAPPED_OVER_NOTHING if is_certain else OR_LEFT_OUT}"
    return "sent no events; its state is what the DAG run's end says"


def _listed(tasks: Collection[str]) -> str:
    shown = sorted(tasks)[:MOST_LISTED]
    return f"{', '.join(shown)}{' and others' if len(tasks) > len(shown) else ''}"
