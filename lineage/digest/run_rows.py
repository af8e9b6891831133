"""Makes the row of lineage_run that one event makes of its run."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from lineage.events import Event, RunFacts
from lineage.events.clocks import is_impossible
from lineage.events.event import UNRESOLVED
from lineage.events.identity import job_id as id_of_job
from lineage.events.identity import run_row_id
from lineage.rows.run_row import RunRow

TERMINAL_TYPES = ("COMPLETE", "ABORT", "FAIL")
_ACTIVE = ("START", "RUNNING")


def run_row(
    connection_id: UUID, job_id: UUID, event: Event, run: RunFacts, edge_ids: frozenset[UUID], *, received_at: datetime
) -> RunRow:
    """The row that one event makes of its run."""
    time, type_ = event.event_time, event.event_type
    terminal = run.outcome or (type_ if type_ in TERMINAL_TYPES else None)
    is_undated = terminal is not None and is_impossible(time, received_at)
    row = RunRow(
        connection_id=connection_id,
        id=run_row_id(run.id, job_id, run.map_index),
        run_id=run.id,
        job_id=job_id,
        map_index=run.map_index,
        external_id=run.external_id,
        job_kind=event.job.kind if event.job else "",
        active=type_ in _ACTIVE,
        terminal_type=terminal,
        started_at=time if type_ == "START" else run.started_at,
        ended_at=time if terminal else None,
        failure_stands=run.failure_stands,
        end_is_believed=not is_undated,
        has_undated_failure=is_undated and terminal == "FAIL",
        first_event_at=time,
        last_event_at=time,
        received_at=received_at,
        last_received_at=received_at,
        event_count=1,
        nominal_start_at=run.nominal_start_at,
        nominal_end_at=run.nominal_end_at,
        attempt=run.attempt,
        max_attempts=run.max_attempts,
        error_message=run.error_message,
        error_at=time if run.error_message is not None else None,
        external_query_id=run.external_query_id,
        edge_ids=edge_ids,
        invocation_id=run.invocation_id,
        orchestrator_run_id=run.orchestrator_run_id,
    )
    _add_references(row, run)
    return row if run.outcome is None and run.invocation_id is None else _with_searched_ids(row, event, run)


def _add_references(row: RunRow, run: RunFacts) -> None:
    """Adds the parent and the root. A root beside a broken parent is left out: they are merged by the parent's time."""
    if not run.parent:
        return
    row.parent_run_id, row.parent_at = run.parent.run_id, row.last_event_at
    row.parent_job_namespace, row.parent_job_name = run.parent.job_namespace, run.parent.job_name
    if run.root:
        row.root_run_id = run.root.run_id
        row.root_job_namespace, row.root_job_name = run.root.job_namespace, run.root.job_name


def _with_searched_ids(row: RunRow, event: Event, run: RunFacts) -> RunRow:
    """Adds ids by which the runs of one invocation find one another."""
    if run.needed_jobs or row.terminal_type in UNRESOLVED:
        row.needed_job_ids = _ids(row.connection_id, event, run.needed_jobs)
    row.node_id = None if run.node is None else _id(row.connection_id, event, run.node)
    row.test_ids = None if run.tests is None else tuple(sorted(_ids(row.connection_id, event, run.tests)))
    return row


def _ids(connection_id: UUID, event: Event, names: Iterable[str]) -> frozenset[UUID]:
    return frozenset(_id(connection_id, event, name) for name in names)


def _id(connection_id: UUID, event: Event, name: str) -> UUID:
    """The id of a job in the event's namespace, or of a table that is named there in place of a job."""
    return id_of_job(connection_id, event.job.namespace if event.job else "", name)
