"""Task states in the facet `airflowState` of the last event of a DAG run (seen with
apache-airflow-providers-openlineage 2.20).

The facet has one entry for all instances of a mapped task. A task without a state is missing in `tasksState`, but
present in `tasksDuration`.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Raw, Struct

from lineage.events.event import ReportedTask
from lineage.events.facets import NOTHING, RunFacets, read_facet
from lineage.events.senders.airflow.words import INTEGRATION, TIMED_OUT
from lineage.events.senders.sender import ReadFacet, ReportedStates
from lineage.events.text import storable

# Airflow limits a task's name to 250. The number of tasks is limited because other events wait for the transaction.
MAX_TASK_CHARACTERS: Final = 1024
MAX_REPORTED_TASKS: Final = 10_000
_MOST_MILLISECONDS: Final = 2**31 - 1

_FINAL = {
    "success": "COMPLETED",
    "failed": "FAILED",
    "skipped": "SKIPPED",
    "upstream_failed": "UPSTREAM_FAILED",
}
_OPEN = frozenset(
    (
        *("scheduled", "queued", "running", "restarting", "deferred", "awaiting_input"),
        *("up_for_retry", "up_for_reschedule"),
    )
)
# With these messages of the DAG run, a task without a state was skipped when Airflow ended the DAG run, for example a
# task mapped over an empty list. (In a deadlock, which has another message, tasks stay without a state.)
_SKIPS = (None, "task_failure", TIMED_OUT)


class _State(Struct):
    tasksState: dict[str, str | None]
    tasksDuration: Raw = NOTHING


class ShownState(Struct):
    """Facet as pages read it: durations without states are accepted."""

    tasksState: dict[str, str | None] = msgspec.field(default_factory=dict)
    tasksDuration: Raw = NOTHING


class DurationsFacet(Struct):
    """Facet as its problems are found: a task's duration may be broken, too."""

    tasksDuration: dict[str, float | None] | None = None


_Durations = dict[str, float | None]


def reported_tasks(facets: RunFacets, message: str | None) -> tuple[ReportedTask, ...]:
    """Return the tasks that ended, as the DAG run reports them; none if there are implausibly many.

    `message`: why the DAG run failed.
    """
    facet = read_facet(getattr(facets, "airflowState", NOTHING), _State)
    if facet is None:
        return ()
    durations = _durations(facet.tasksDuration)
    tasks = facet.tasksState.keys() | durations.keys()
    return (
        tuple(_reported(sorted(tasks), facet.tasksState, durations, message))
        if len(tasks) <= MAX_REPORTED_TASKS
        else ()
    )


def _reported(
    tasks: list[str], states: dict[str, str | None], durations: dict[str, float | None], message: str | None
) -> Iterator[ReportedTask]:
    for task in tasks:
        state = _outcome(states.get(task), message)
        if state and 0 < len(task) <= MAX_TASK_CHARACTERS:
            yield ReportedTask(storable(task), state, _milliseconds(durations.get(task)), INTEGRATION)


def _outcome(state: str | None, message: str | None) -> str | None:
    if state is None:
        return "SKIPPED" if message in _SKIPS else None
    return "SKIPPED" if state in _OPEN and message == TIMED_OUT else _FINAL.get(state)


def reported_states(read: ReadFacet, message: str | None) -> ReportedStates | None:
    """Return Airflow's own task states, and the tasks that it skipped before they had a state.

    `message`: why the DAG run failed.
    """
    state = read("airflowState", ShownState)
    if state is None:
        return None
    states = {task: said for task, said in state.tasksState.items() if said}
    without = tasks_without_state(state.tasksState, _durations(state.tasksDuration), message)
    return ReportedStates(states, without, INTEGRATION)


def tasks_without_state(
    states: Mapping[str, str | None], durations: Mapping[str, float | None], message: str | None
) -> frozenset[str]:
    """Return the tasks that Airflow skips in the step in which it ends the DAG run: they have no state yet to be sent.

    At least one of them was mapped over an empty list, else the DAG run would end one step later. The others may have
    been skipped by their trigger rules (Airflow 3.3.2, DagRun.update_state).
    """
    if message == TIMED_OUT or message not in _SKIPS:
        return frozenset()
    return frozenset(task for task in states.keys() | durations.keys() if states.get(task) is None)


def _durations(raw: Raw) -> _Durations:
    """Read durations in seconds, by task; empty if the facet has another shape."""
    return read_facet(raw, _Durations) or {}


def _milliseconds(seconds: float | None) -> int | None:
    """Convert a duration. The provider sends 0 if Airflow has no duration, so 0 gives None."""
    milliseconds = round(min(seconds or 0, _MOST_MILLISECONDS) * 1000)
    return milliseconds if 0 < milliseconds < _MOST_MILLISECONDS else None
