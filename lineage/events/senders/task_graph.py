"""Which task of a run comes after which."""

from collections.abc import Mapping

# Task → the tasks right before it.
TaskGraph = Mapping[str, frozenset[str]]


def came_before(task: str, graph: TaskGraph) -> set[str]:
    """All tasks before this one, near and far."""
    found: set[str] = set()
    wanted = [task]
    while wanted:
        new = graph.get(wanted.pop(), frozenset()) - found
        found |= new
        wanted += new
    return found - {task}
