"""What a job contains, and what contains it: tasks of a DAG, models and tests of a dbt project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from connections.models import Connection
from lineage.models import Job, Run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

MOST_SHOWN = 200
# Whose children are looked at: what a job starts differs from run to run, but over a few it has started all.
_RUNS = 5


@dataclass(frozen=True, slots=True)
class Family:
    # None: there is none, or it was never heard from; then `parent_name` may say how events call it.
    parent: Job | None
    parent_name: str
    children: list[Job]
    has_more: bool


def family_of(job: Job, recent: Sequence[UUID]) -> Family:
    """`recent`: the ids of its runs, the latest first. Also across connections: dbt under Airflow. In three queries."""
    visible = list(Connection.objects.visible().order_by().values_list("pk", flat=True))
    started = Run.objects.filter(connection_id__in=visible, parent_run_id__in=recent[:_RUNS])
    jobs = Job.objects.shown().filter(connection_id__in=visible)
    named = Q(connection_id=job.connection_id, parent_job_id=job.id)
    children = jobs.filter(named | Q(id__in=started.values("job_id"))).exclude(id=job.id)
    found = list(children.with_states().needing_attention_first()[: MOST_SHOWN + 1])
    return Family(
        parent=_parent(job),
        parent_name=job.parent_job_name,
        children=found[:MOST_SHOWN],
        has_more=len(found) > MOST_SHOWN,
    )


def _parent(job: Job) -> Job | None:
    """In its own connection. Elsewhere several jobs may have that name: only their runs tell, on the page of a run."""
    if job.parent_job_id is None or job.parent_job_id == job.id:
        return None
    parent: Job | None = Job.objects.with_states().filter(connection_id=job.connection_id, id=job.parent_job_id).first()
    return parent
