"""What the last event of a DAG run tells of its tasks, in the facet `airflowState` (seen with
apache-airflow-providers-openlineage 2.20).

It has one entry for all instances of a mapped task. A task that Airflow had no state of yet has none in `tasksState`,
but one in `tasksDuration`.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Raw, Struct

from lineage.events.event import ToldTask
from lineage.events.facets import NOTHING, RunFacets, read_facet
from lineage.events.senders.airflow.words import INTEGRATION, TIMED_OUT
from lineage.events.senders.sender import ReadFacet, ToldStates
from lineage.events.text import storable

# Airflow's own limit of a task's name is 250. The transaction of an event is everybody's, hence one of their number.
MAX_TASK_CHARACTERS: Final = 1024
MAX_TOLD_TASKS: Final = 10_000
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
# Without a state is then what Airflow skips as it ends the DAG run: a task that is mapped over nothing, too. (In a
# deadlock, which has a message of its own, tasks are left without one.)
_SKIPS = (None, "task_failure", TIMED_OUT)


class _State(Struct):
    tasksState: dict[str, str | None]
    tasksDuration: Raw = NOTHING


class ShownState(Struct):
    """State as pages read it: durations alone are enough."""

    tasksState: dict[str, str | None] = msgspec.field(default_factory=dict)
    tasksDuration: Raw = NOTHING


_durations_decoder = msgspec.json.Decoder(dict[str, float | None])


def told_tasks(facets: RunFacets, message: str | None) -> tuple[ToldTask, ...]:
    """Tasks that came to an end, as the DAG run tells; none where there are too many to be true.

    `message`: why the DAG run failed.
    """
    facet = read_facet(getattr(facets, "airflowState", NOTHING), _State)
    if facet is None:
        return ()
    durations = _durations(facet.tasksDuration)
    tasks = facet.tasksState.keys() | durations.keys()
    return tuple(_told(sorted(tasks), facet.tasksState, durations, message)) if len(tasks) <= MAX_TOLD_TASKS else ()


def _told(
    tasks: list[str], states: dict[str, str | None], durations: dict[str, float | None], message: str | None
) -> Iterator[ToldTask]:
    for task in tasks:
        state = _outcome(states.get(task), message)
        if state and 0 < len(task) <= MAX_TASK_CHARACTERS:
            yield ToldTask(storable(task), state, _milliseconds(durations.get(task)), INTEGRATION)


def _outcome(state: str | None, message: str | None) -> str | None:
    if state is None:
        return "SKIPPED" if message in _SKIPS else None
    return "SKIPPED" if state in _OPEN and message == TIMED_OUT else _FINAL.get(state)


def told_states(read: ReadFacet, message: str | None) -> ToldStates | None:
    """Airflow's own states of the tasks, and those tasks that it skipped before it had a state of them. `message`: why
    the DAG run failed."""
    state = read("airflowState", ShownState)
    if state is None:
        return None
    states = {task: said for task, said in state.tasksState.items() if said}
    without = without_a_state(state.tasksState, _durations(state.tasksDuration), message)
    return ToldStates(states, without, INTEGRATION)


def without_a_state(
    states: Mapping[str, str | None], durations: Mapping[str, float | None], message: str | None
) -> frozenset[str]:
    """The tasks that Airflow skips in the very step in which it ends the DAG run by itself: it has no state of them to
    send yet. One of them at least was mapped over nothing, for else the DAG run ends a step later; others may have been
    left out by their trigger rules (Airflow 3.3.2, DagRun.update_state)."""
    if message == TIMED_OUT or message not in _SKIPS:
        return frozenset()
    return frozenset(task for task in states.keys() | durations.keys() if states.get(task) is None)


def _durations(raw: Raw) -> dict[str, float | None]:
    """Read durations in seconds, by task; empty where that is not as the provider has it."""
    try:
        return _durations_decoder.decode(raw) or {}
    except msgspec.ValidationError:
        return {}


def _milliseconds(seconds: float | None) -> int | None:
    """Convert a duration; None for 0, which the provider says where Airflow has none."""
    milliseconds = round(min(seconds or 0, _MOST_MILLISECONDS) * 1000)
    return milliseconds if 0 < milliseconds < _MOST_MILLISECONDS else None
