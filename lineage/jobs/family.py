"""What a job contains, and what contains it: tasks of a DAG, models and tests of a project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from connections.models import Connection
from lineage.models import Job, Run
from lineage.runs.relations import holders_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from lineage.models.run_queryset import RunQuerySet

MOST_SHOWN = 200
# Whose children are looked at: what a job starts differs from run to run, but over a few it has started all.
_RUNS = 5


@dataclass(frozen=True, slots=True)
class Child:
    job: Job
    # The name of its connection, where that is another one; else empty.
    elsewhere: str


@dataclass(frozen=True, slots=True)
class Family:
    # None: there is none, or it was never heard from; then `parent_name` may say how events call it.
    parent: Job | None
    parent_name: str
    children: list[Child]
    has_more: bool


def family_of(job: Job, recent: Sequence[UUID]) -> Family:
    """`recent`: the ids of its runs, the latest first. Also across connections: models below a DAG. Four queries."""
    others = dict(Connection.objects.visible().order_by().exclude(pk=job.connection_id).values_list("pk", "name"))
    runs = recent[:_RUNS]
    ours = Run.objects.filter(connection_id=job.connection_id, parent_run_id__in=runs)
    theirs = _started_elsewhere(job, runs, list(others))
    here = Q(connection_id=job.connection_id) & (Q(parent_job_id=job.id) | Q(id__in=ours.values("job_id")))
    there = Q(connection_id__in=list(others), id__in=theirs.values("job_id"))
    children = Job.objects.shown().filter(here | there).exclude(id=job.id)
    found = list(children.needing_attention_first()[: MOST_SHOWN + 1])
    return Family(
        parent=_parent(job),
        parent_name=job.parent_job_name,
        children=[Child(child, others.get(child.connection_id, "")) for child in found[:MOST_SHOWN]],
        has_more=len(found) > MOST_SHOWN,
    )


def _started_elsewhere(job: Job, runs: Sequence[UUID], connection_ids: Sequence[UUID]) -> RunQuerySet:
    """The runs of other connections that these ones of the job started, as `children_of` in lineage/runs/relations.py
    tells: two deployments of one DAG give its runs the same ids."""
    held = holders_of(runs, connection_ids)
    in_doubt = {run_id for _, run_id, name in held if name == job.name}
    children = Run.objects.filter(
        connection_id__in=connection_ids,
        parent_run_id__in=[run_id for run_id in runs if run_id not in in_doubt],
        parent_job_name=job.name,
    )
    for connection_id, run_id, _ in held:
        # A connection that holds a run with this id has its children look no further.
        children = children.exclude(connection_id=connection_id, parent_run_id=run_id)
    return children


def _parent(job: Job) -> Job | None:
    """In its own connection. Elsewhere several jobs may have that name: only their runs tell, on the page of a run."""
    if job.parent_job_id is None or job.parent_job_id == job.id:
        return None
    return Job.objects.filter(connection_id=job.connection_id, id=job.parent_job_id).first()
