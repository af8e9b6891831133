"""One row of lineage_run: its columns, how each is merged, and what one event says of it."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated, Any, Final, get_args, get_type_hints
from uuid import UUID

from lineage.digest.merges import NIL, Group, Merge, Part, merged
from lineage.events import Event, RunFacts
from lineage.events.event import UNRESOLVED, Outcome
from lineage.events.identity import job_id as id_of_job

TERMINAL_TYPES = ("COMPLETE", "ABORT", "FAIL")
# Of the outcomes of one time the last one here wins.
OUTCOMES: tuple[str, ...] = get_args(Outcome)
_ACTIVE = ("START", "RUNNING")


# How columns that change together are merged. A run is filed under the job of its earliest event.
FILED: Final = Group((Part("first_event_at"), Part("job_id")), least=True)
ENDED: Final = Group((Part("ended_at"), Part("terminal_type", ranks=OUTCOMES), Part("needed_job_ids", absent=())))
PARENT: Final = Group(
    (
        *(Part("parent_at"), Part("parent_run_id"), Part("parent_job_namespace"), Part("parent_job_name")),
        *(Part("root_run_id", absent=NIL), Part("root_job_namespace"), Part("root_job_name")),
    )
)
ERROR: Final = Group((Part("error_at"), Part("error_message")))
REPORTED: Final = Group(
    (Part("last_event_at"), Part("told_state"), Part("told_duration_ms", absent=0)), needs="told_state"
)


@dataclass(slots=True)
class RunRow:
    """What the events of one digest say of a run: the columns of lineage_run that digest writes, in this order.

    Each is annotated with how it is merged; the type in the database follows from the one in Python. All statements,
    the merge in Python and in SQL and the comparison of a rebuild are made from this.
    """

    connection_id: UUID
    id: UUID
    external_id: Annotated[str, "greatest"]
    job_id: Annotated[UUID, FILED]
    active: Annotated[bool, "either"]
    terminal_type: Annotated[str | None, ENDED]
    started_at: Annotated[datetime | None, "least"]
    ended_at: Annotated[datetime | None, ENDED]
    first_event_at: Annotated[datetime, "least"]
    last_event_at: Annotated[datetime, "greatest"]
    event_count: Annotated[int, "sum"]
    nominal_start_at: Annotated[datetime | None, "least"]
    nominal_end_at: Annotated[datetime | None, "greatest"]
    attempt: Annotated[int | None, "greatest"]
    max_attempts: Annotated[int | None, "greatest"]
    map_index: Annotated[int | None, "greatest"]
    parent_run_id: Annotated[UUID | None, PARENT]
    parent_job_namespace: Annotated[str, PARENT]
    parent_job_name: Annotated[str, PARENT]
    root_run_id: Annotated[UUID | None, PARENT]
    root_job_namespace: Annotated[str, PARENT]
    root_job_name: Annotated[str, PARENT]
    parent_at: Annotated[datetime | None, PARENT]
    error_message: Annotated[str | None, ERROR]
    error_at: Annotated[datetime | None, ERROR]
    external_query_id: Annotated[str, "greatest"]
    # Edges that its events name.
    edge_ids: Annotated[frozenset[UUID], "union"]
    # What the parent run reports of a task that has this row for it. None: the row is of a run that sent events.
    told_state: Annotated[str | None, REPORTED] = None
    told_duration_ms: Annotated[int | None, REPORTED] = None
    # Jobs that an unresolved test needs. None: it is resolved.
    needed_job_ids: Annotated[frozenset[UUID] | None, ENDED] = None
    invocation_id: Annotated[UUID | None, "greatest"] = None
    orchestrator_run_id: Annotated[str, "greatest"] = ""
    # What a node that was sent by itself, and ended, is looked for by.
    node_id: Annotated[UUID | None, "greatest"] = None
    # What tests with a result are looked for by, sorted, if all tests of a node were sent as this one run.
    test_ids: Annotated[tuple[UUID, ...] | None, "greatest"] = None
    # Ids that the DAG run had before it was cleared, sorted, if this row is for a task of it.
    earlier_parent_run_ids: Annotated[tuple[UUID, ...] | None, "greatest"] = None

    def merge(self, other: "RunRow") -> None:
        """Takes in what another row says of the same run. Commutative and associative."""
        # Groups first: their keys are columns that are merged below.
        won = [columns for group, columns in GROUPS.items() if group.wins(other, self)]
        for name, how in MERGES.items():
            ours, theirs = getattr(self, name), getattr(other, name)
            if how == "sum" or (theirs is not None and theirs != ours):
                setattr(self, name, merged(how, ours, theirs))
        for columns in won:
            for name in columns:
                setattr(self, name, getattr(other, name))


def _columns() -> dict[str, Any]:
    """Column → how it is merged. The key is not."""
    hints = get_type_hints(RunRow, include_extras=True)
    return {field.name: getattr(hints[field.name], "__metadata__", (None,))[0] for field in fields(RunRow)}


COLUMNS: Final = _columns()
MERGES: Final[dict[str, Merge]] = {name: how for name, how in COLUMNS.items() if isinstance(how, str)}  # type: ignore[misc]
GROUPS: Final[dict[Group, tuple[str, ...]]] = {
    group: tuple(name for name, how in COLUMNS.items() if how is group)
    for group in (FILED, ENDED, PARENT, ERROR, REPORTED)
}


def run_row(connection_id: UUID, job_id: UUID, event: Event, run: RunFacts, edge_ids: frozenset[UUID]) -> RunRow:
    """What one event says of its run."""
    time, type_ = event.event_time, event.event_type
    parent, root = run.parent, run.root
    terminal = run.outcome or (type_ if type_ in TERMINAL_TYPES else None)
    needs = run.needed_jobs or terminal in UNRESOLVED
    return RunRow(
        connection_id=connection_id,
        id=run.id,
        external_id=run.external_id,
        job_id=job_id,
        active=type_ in _ACTIVE,
        terminal_type=terminal,
        started_at=time if type_ == "START" else run.started_at,
        ended_at=time if terminal else None,
        first_event_at=time,
        last_event_at=time,
        event_count=1,
        nominal_start_at=run.nominal_start_at,
        nominal_end_at=run.nominal_end_at,
        attempt=run.attempt,
        max_attempts=run.max_attempts,
        map_index=run.map_index,
        parent_run_id=parent.run_id if parent else None,
        parent_job_namespace=parent.job_namespace if parent else "",
        parent_job_name=parent.job_name if parent else "",
        root_run_id=root.run_id if root else None,
        root_job_namespace=root.job_namespace if root else "",
        root_job_name=root.job_name if root else "",
        parent_at=time if parent else None,
        error_message=run.error_message,
        error_at=time if run.error_message is not None else None,
        external_query_id=run.external_query_id,
        edge_ids=edge_ids,
        needed_job_ids=_ids(connection_id, event, run.needed_jobs) if needs else None,
        invocation_id=run.invocation_id,
        orchestrator_run_id=run.orchestrator_run_id,
        node_id=None if run.node is None else _id(connection_id, event, run.node),
        test_ids=None if run.tests is None else tuple(sorted(_ids(connection_id, event, run.tests))),
    )


def _ids(connection_id: UUID, event: Event, names: Iterable[str]) -> frozenset[UUID]:
    return frozenset(_id(connection_id, event, name) for name in names)


def _id(connection_id: UUID, event: Event, name: str) -> UUID:
    """Of a job of the event's namespace, or of what stands for a job there."""
    return id_of_job(connection_id, event.job.namespace if event.job else "", name)
