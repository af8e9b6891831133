"""Makes rows of the tasks that a DAG run reports in its terminal event.

Tasks that were never handed to a worker (skipped by a branch, failed upstream, with nothing to do) send nothing, and
killed ones no end. So each reported task gets a row, with its state and duration according to the DAG run, whether or
not it sends events of its own; if it does, this row is hidden (lineage/states/rules.py). See
docs/decisions/0015-runs-that-never-reported.md.
"""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from lineage.digest.run_rows import TERMINAL_TYPES, run_row
from lineage.events import Event, JobFacts, RunFacts
from lineage.events.clocks import is_impossible
from lineage.events.event import ParentReference
from lineage.events.identity import job_id, reported_run_id
from lineage.rows.run_row import RunRow

_NO_EDGES: frozenset[UUID] = frozenset()


def reported_runs(
    connection_id: UUID, event: Event, job: JobFacts, run: RunFacts, received_at: datetime
) -> Iterator[tuple[JobFacts, RunRow]]:
    """Yield each task that the event reports: its job, named as its own events name it, and its row."""
    if not run.reported_tasks or event.event_type not in TERMINAL_TYPES:
        return
    parent = ParentReference(run.id, job.namespace, job.name)
    dag = (job.namespace, job.name)
    for task in run.reported_tasks:
        name = f"{job.name}.{task.name}"
        of_task = JobFacts(job.namespace, name, "TASK", task.integration, "", declared=False, parent=dag)
        id_ = job_id(connection_id, of_task.namespace, of_task.name)
        facts = RunFacts(
            id=reported_run_id(run.id, of_task.namespace, of_task.name),
            external_id="",
            nominal_start_at=run.nominal_start_at,
            nominal_end_at=run.nominal_end_at,
            parent=parent,
            root=run.root or parent,
        )
        row = run_row(connection_id, id_, event, facts, _NO_EDGES, received_at=received_at)
        row.job_kind = of_task.kind
        # The task sent no event: it has neither an end nor a count of its own.
        row.terminal_type, row.ended_at, row.event_count = None, None, 0
        row.end_is_believed, row.has_undated_failure, row.last_received_at = True, False, None
        row.state_from_parent, row.duration_from_parent_ms = task.state, task.duration_ms
        row.report_is_believed = not is_impossible(event.event_time, received_at)
        row.earlier_parent_run_ids = run.earlier_ids or None
        yield of_task, row
