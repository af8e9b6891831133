"""What a run's terminal event tells of the runs below it: a DAG run, of its tasks.

Tasks that were never handed to a worker (skipped by a branch, failed upstream, with nothing to do) send nothing, and
killed ones no end. For each task that the DAG tells of there is a stand-in row, whatever else came or comes; where the
task reported, it is not shown (lineage/states/rules.py). See docs/decisions/0015-runs-that-never-reported.md.
"""

from collections.abc import Iterator
from uuid import UUID

from lineage.digest.run_rows import TERMINAL_TYPES, RunRow, run_row
from lineage.events import Event, JobFacts, RunFacts
from lineage.events.event import ParentReference
from lineage.events.identity import job_id, told_run_id

_NO_EDGES: frozenset[UUID] = frozenset()


def stand_ins(connection_id: UUID, event: Event, job: JobFacts, run: RunFacts) -> Iterator[tuple[JobFacts, RunRow]]:
    """The tasks that the event tells of, as events of their own name their jobs, each with its row."""
    if event.event_type not in TERMINAL_TYPES:
        return
    parent = ParentReference(run.id, job.namespace, job.name)
    dag = (job.namespace, job.name)
    for task in run.told:
        name = f"{job.name}.{task.name}"
        of_task = JobFacts(job.namespace, name, "TASK", task.integration, "", declared=False, parent=dag)
        id_ = job_id(connection_id, of_task.namespace, of_task.name)
        facts = RunFacts(
            id=told_run_id(run.id, of_task.namespace, of_task.name),
            external_id="",
            nominal_start_at=run.nominal_start_at,
            nominal_end_at=run.nominal_end_at,
            parent=parent,
            root=run.root or parent,
        )
        row = run_row(connection_id, id_, event, facts, _NO_EDGES)
        # No event of its own: neither an end nor a count.
        row.terminal_type, row.ended_at, row.event_count = None, None, 0
        row.told_state, row.told_duration_ms = task.state, task.duration_ms
        row.earlier_parent_run_ids = run.earlier_ids or None
        yield of_task, row
