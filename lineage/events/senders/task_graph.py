"""Order of the tasks in a run."""

from collections.abc import Mapping

# Task → the tasks directly before it.
TaskGraph = Mapping[str, frozenset[str]]


def upstream_tasks(task: str, graph: TaskGraph) -> set[str]:
    """Return all tasks before this one, directly or indirectly."""
    found: set[str] = set()
    wanted = [task]
    while wanted:
        new = graph.get(wanted.pop(), frozenset()) - found
        found |= new
        wanted += new
    return found - {task}
