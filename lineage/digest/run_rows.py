"""One row of lineage_run, and how events fold into it in any order. Its twin in SQL is statements/runs.py."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from lineage.events import Event, RunFacts
from lineage.events.dbt import IN_DOUBT
from lineage.events.event import Outcome
from lineage.events.identity import job_id as id_of_job

TERMINAL_TYPES = ("COMPLETE", "ABORT", "FAIL")
# Of the outcomes of one time the last one here wins.
OUTCOMES: tuple[str, ...] = get_args(Outcome)
_NO_RUN = UUID(int=0)
# What any node that was sent by itself is known by, beside its own id.
ANY_NODE = UUID(int=0)
_ACTIVE = ("START", "RUNNING")


@dataclass(slots=True)
class RunRow:
    """What the events of one digest say of a run. The fields are the columns that digest writes, in this order."""

    connection_id: UUID
    id: UUID
    external_id: str
    job_id: UUID
    active: bool
    terminal_type: str | None
    started_at: datetime | None
    ended_at: datetime | None
    first_event_at: datetime
    last_event_at: datetime
    event_count: int
    nominal_start_at: datetime | None
    nominal_end_at: datetime | None
    attempt: int | None
    max_attempts: int | None
    map_index: int | None
    parent_run_id: UUID | None
    parent_job_namespace: str
    parent_job_name: str
    root_run_id: UUID | None
    root_job_namespace: str
    root_job_name: str
    parent_at: datetime | None
    error_message: str | None
    error_at: datetime | None
    external_query_id: str
    # Of the edges that its events name.
    edge_ids: frozenset[UUID]
    # Of a stand-in: what its parent told of it. None: the row is of a run that reported.
    told_state: str | None = None
    told_duration_ms: int | None = None
    # Of a run that is in doubt: the jobs that it needs. None: it is not in doubt.
    needed_job_ids: frozenset[UUID] | None = None
    invocation_id: UUID | None = None
    orchestrator_run_id: str = ""
    # Of a node that was sent by itself, and ended: what it is looked for by. Of tests as default mode sends them, all
    # of a node as one run or one without a result: those that have one, sorted.
    node_id: UUID | None = None
    test_ids: tuple[UUID, ...] | None = None
    # Of a stand-in below a DAG run that was cleared: the ids that this one had before, sorted.
    earlier_parent_run_ids: tuple[UUID, ...] | None = None

    @property
    def known_by(self) -> tuple[UUID, ...]:
        """The ids by which other runs of the same invocation look at it."""
        any_node = () if self.node_id is None else (self.node_id, ANY_NODE)
        return (self.job_id, *(self.needed_job_ids or ()), *any_node)

    def merge(self, other: "RunRow") -> None:
        """Takes in what another row says of the same run. Commutative and associative."""
        if (other.first_event_at, other.job_id) < (self.first_event_at, self.job_id):
            self.job_id = other.job_id
        if _terminal_key(other) > _terminal_key(self):
            self.terminal_type, self.ended_at = other.terminal_type, other.ended_at
            self.needed_job_ids = other.needed_job_ids
        if _parent_key(other) > _parent_key(self):
            self._take_parent(other)
        if _error_key(other) > _error_key(self):
            self.error_message, self.error_at = other.error_message, other.error_at
        if other.told_state and _told_key(other) > _told_key(self):
            self.told_state, self.told_duration_ms = other.told_state, other.told_duration_ms
        self.active = self.active or other.active
        self.event_count += other.event_count
        self.started_at = _pick(min, self.started_at, other.started_at)
        self.first_event_at = min(self.first_event_at, other.first_event_at)
        self.last_event_at = max(self.last_event_at, other.last_event_at)
        self.nominal_start_at = _pick(min, self.nominal_start_at, other.nominal_start_at)
        self.nominal_end_at = _pick(max, self.nominal_end_at, other.nominal_end_at)
        self.attempt = _pick(max, self.attempt, other.attempt)
        self.max_attempts = _pick(max, self.max_attempts, other.max_attempts)
        self.map_index = _pick(max, self.map_index, other.map_index)
        self.invocation_id = _pick(max, self.invocation_id, other.invocation_id)
        self.external_id = max(self.external_id, other.external_id)
        self.external_query_id = max(self.external_query_id, other.external_query_id)
        self.orchestrator_run_id = max(self.orchestrator_run_id, other.orchestrator_run_id)
        if other.node_id is not None:
            self.node_id = _pick(max, self.node_id, other.node_id)
        if other.test_ids is not None:
            self.test_ids = _pick(max, self.test_ids, other.test_ids)
        if other.earlier_parent_run_ids is not None:
            self.earlier_parent_run_ids = _pick(max, self.earlier_parent_run_ids, other.earlier_parent_run_ids)
        if other.edge_ids != self.edge_ids:
            self.edge_ids |= other.edge_ids

    def _take_parent(self, other: "RunRow") -> None:
        self.parent_at = other.parent_at
        self.parent_run_id = other.parent_run_id
        self.parent_job_namespace = other.parent_job_namespace
        self.parent_job_name = other.parent_job_name
        self.root_run_id = other.root_run_id
        self.root_job_namespace = other.root_job_namespace
        self.root_job_name = other.root_job_name


def run_row(connection_id: UUID, job_id: UUID, event: Event, run: RunFacts, edge_ids: frozenset[UUID]) -> RunRow:
    """What one event says of its run."""
    time, type_ = event.event_time, event.event_type
    parent, root = run.parent, run.root
    terminal = run.outcome or (type_ if type_ in TERMINAL_TYPES else None)
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
        needed_job_ids=_ids(connection_id, event, run.needed_jobs) if run.needed_jobs or terminal in IN_DOUBT else None,
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


# Keys by which one of two rows wins a group of columns. An empty key loses against any other.
Key = tuple[Any, ...]


def _terminal_key(row: RunRow) -> Key:
    if row.terminal_type is None:
        return ()
    return row.ended_at, OUTCOMES.index(row.terminal_type), sorted(row.needed_job_ids or ())


def _parent_key(row: RunRow) -> Key:
    if row.parent_at is None:
        return ()
    return (
        row.parent_at,
        row.parent_run_id,
        row.parent_job_namespace,
        row.parent_job_name,
        row.root_run_id or _NO_RUN,
        row.root_job_namespace,
        row.root_job_name,
    )


def _error_key(row: RunRow) -> Key:
    return (row.error_at, row.error_message) if row.error_at else ()


def _told_key(row: RunRow) -> Key:
    return (row.last_event_at, row.told_state, row.told_duration_ms or 0) if row.told_state else ()


def _pick(choose: Callable[..., Any], ours: Any, theirs: Any) -> Any:
    """The chosen of two values, None standing for "not said"."""
    if ours is None or theirs is None:
        return theirs if ours is None else ours
    return choose(ours, theirs)
