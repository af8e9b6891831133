"""What the events of an Airflow DAG run tell beside the specification's facets, by two of the provider's own (seen with
apache-airflow-providers-openlineage 2.20).

`airflowState`, in the last event, tells of the tasks: one entry for all instances of a mapped one, and none in
`tasksState`, but one in `tasksDuration`, where Airflow had no state yet. `airflowDagRun` describes the DAG run.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha1
from uuid import UUID

import msgspec
from msgspec import Raw, Struct

from lineage.events.event import RunFacts, ToldTask
from lineage.events.facets import MAX_ORCHESTRATOR_RUN_ID_CHARACTERS, NOTHING, read_facet, time_or_none
from lineage.events.identity import run_id
from lineage.events.text import storable

# Airflow's own limit of a task's name is 250. The transaction of an event is everybody's, hence one of their number.
MAX_TASK_CHARACTERS = 1024
MAX_TOLD_TASKS = 10_000
_MOST_MILLISECONDS = 2**31 - 1
# The latest ones. Who clears a DAG run more often than that has other worries.
MAX_EARLIER_IDS = 50

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
# The error message of a DAG run whose time was up. Whatever it has left Airflow skips, just after it sent the event.
TIMED_OUT = "timed_out"
# Without a state is then what Airflow skips as it ends the DAG run: a task that is mapped over nothing, too. (In a
# deadlock, which has a message of its own, tasks are left without one.)
_SKIPS = (None, "task_failure", TIMED_OUT)
# What Airflow gives as the error message of a DAG run that it ended itself, in words.
FAILURES = {
    "task_failure": "A task failed",
    "all_tasks_deadlocked": "No task could go on: each waited for another (deadlock)",
    TIMED_OUT: "Its time was up (dagrun_timeout)",
}


class _DagRun(Struct):
    run_id: str
    start_date: str | None = None
    clear_number: int = 0
    logical_date: str | None = None
    run_after: str | None = None


class _DagRunFacet(Struct):
    dagRun: _DagRun


class _State(Struct):
    tasksState: dict[str, str | None]
    tasksDuration: Raw = NOTHING


_durations_decoder = msgspec.json.Decoder(dict[str, float | None])


def of_dag_run(run: RunFacts, raw: Raw, namespace: str, name: str) -> RunFacts:
    """With what its `airflowDagRun` facet says. `namespace`, `name`: of its job.

    When somebody clears a task of a DAG run, the provider sends the rest of it under another run id. A DAG run that had
    ended begins anew, and is another run. One that goes on keeps its start, and sends no second START: there both ids
    are of one run.
    """
    facet = read_facet(raw, _DagRunFacet)
    if facet is None:
        return run
    called, started_at = storable(facet.dagRun.run_id), time_or_none(facet.dagRun.start_date)
    return msgspec.structs.replace(
        run,
        orchestrator_run_id=called[:MAX_ORCHESTRATOR_RUN_ID_CHARACTERS],
        invocation_id=run_id(f"{called} {started_at.isoformat()}")[0] if started_at else None,
        # Not of others: `airflow dags test` gives the logical date here.
        started_at=started_at if facet.dagRun.clear_number > 0 else None,
        earlier_ids=_earlier_ids(run.id, facet.dagRun, f"{namespace}.{name}"),
    )


def _earlier_ids(id_: UUID, dag_run: _DagRun, dag: str) -> tuple[UUID, ...]:
    """The ids that a DAG run had before tasks of it were cleared, sorted: made as the provider makes them. None where
    that does not give its present id."""
    clears = dag_run.clear_number
    if clears <= 0:
        return ()
    # The provider takes the first, where there is one.
    for time in filter(None, map(time_or_none, (dag_run.logical_date, dag_run.run_after))):
        if _dag_run_id(dag, time, clears) == id_:
            return tuple(sorted(_dag_run_id(dag, time, n) for n in range(max(0, clears - MAX_EARLIER_IDS), clears)))
    return ()


def _dag_run_id(dag: str, time: datetime, clear_number: int) -> UUID:
    """As `build_dag_run_ol_run_id` of apache-airflow-providers-openlineage 2.20: a UUID of version 7, whose bits behind
    the time are a hash."""
    digest = sha1(f"{time.astimezone(UTC).isoformat()}{dag}.{clear_number}".encode(), usedforsecurity=False).digest()
    bits = int(time.timestamp() * 1000) << 80 | int.from_bytes(digest) >> 84
    return UUID(int=bits & ~(0xF000 << 64 | 0xC000 << 48) | 7 << 76 | 0x8000 << 48)


def told_tasks(raw: Raw, message: str | None) -> tuple[ToldTask, ...]:
    """Each task that came to an end; none where there are too many to be true. `message`: why the DAG run failed."""
    facet = read_facet(raw, _State)
    if facet is None:
        return ()
    durations = task_durations(facet.tasksDuration)
    tasks = facet.tasksState.keys() | durations.keys()
    return tuple(_told(sorted(tasks), facet.tasksState, durations, message)) if len(tasks) <= MAX_TOLD_TASKS else ()


def _told(
    tasks: list[str], states: dict[str, str | None], durations: dict[str, float | None], message: str | None
) -> Iterator[ToldTask]:
    for task in tasks:
        state = _outcome(states.get(task), message)
        if state and 0 < len(task) <= MAX_TASK_CHARACTERS:
            yield ToldTask(storable(task), state, _milliseconds(durations.get(task)))


def _outcome(state: str | None, message: str | None) -> str | None:
    if state is None:
        return "SKIPPED" if message in _SKIPS else None
    return "SKIPPED" if state in _OPEN and message == TIMED_OUT else _FINAL.get(state)


def without_a_state(
    states: Mapping[str, str | None], durations: Mapping[str, float | None], message: str | None
) -> frozenset[str]:
    """The tasks that Airflow skips in the very step in which it ends the DAG run by itself: it has no state of them to
    send yet. One of them at least was mapped over nothing, for else the DAG run ends a step later; others may have been
    left out by their trigger rules (Airflow 3.3.2, DagRun.update_state)."""
    if message == TIMED_OUT or message not in _SKIPS:
        return frozenset()
    return frozenset(task for task in states.keys() | durations.keys() if states.get(task) is None)


def task_durations(raw: Raw) -> dict[str, float | None]:
    """In seconds, by task; empty where it is not as the provider has it."""
    try:
        return _durations_decoder.decode(raw) or {}
    except msgspec.ValidationError:
        return {}


def _milliseconds(seconds: float | None) -> int | None:
    """None for none at all: the provider says 0 where Airflow has no duration."""
    milliseconds = round(min(seconds or 0, _MOST_MILLISECONDS) * 1000)
    return milliseconds if 0 < milliseconds < _MOST_MILLISECONDS else None
