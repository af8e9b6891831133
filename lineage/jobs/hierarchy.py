"""Parent and children of a job: tasks of a DAG, models and tests of a project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from connections.models import Connection
from connections.querysets import Reader
from lineage.models import Job, Run
from lineage.runs.relations import holders_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from lineage.models.run_queryset import RunQuerySet

MOST_SHOWN = 200
# Number of latest runs whose children count: a job may start different jobs in each run, but all of them within a few.
_RUNS = 5


@dataclass(frozen=True, slots=True)
class ChildJob:
    job: Job
    # Name of its connection if that is another one; else empty.
    elsewhere: str


@dataclass(frozen=True, slots=True)
class JobHierarchy:
    # None: there is no parent, or it sent no event; in the second case `parent_name` is its name.
    parent: Job | None
    parent_name: str
    children: list[ChildJob]
    has_more: bool


def hierarchy_of(job: Job, recent: Sequence[UUID], reader: Reader) -> JobHierarchy:
    """Return parent and children of a job, also in other connections, such as models below a DAG. Four queries.

    `recent`: run ids of the job's runs, the latest first.
    """
    others = dict(Connection.objects.visible(reader).order_by().exclude(pk=job.connection_id).values_list("pk", "name"))
    runs = recent[:_RUNS]
    ours = Run.objects.filter(connection_id=job.connection_id, parent_run_id__in=runs)
    theirs = _started_elsewhere(job, runs, list(others))
    here = Q(connection_id=job.connection_id) & (Q(parent_job_id=job.id) | Q(id__in=ours.values("job_id")))
    there = Q(connection_id__in=list(others), id__in=theirs.values("job_id"))
    children = Job.objects.shown().filter(here | there).exclude(id=job.id)
    found = list(children.for_list().needing_attention_first()[: MOST_SHOWN + 1])
    return JobHierarchy(
        parent=_parent(job),
        parent_name=job.parent_job_name,
        children=[ChildJob(child, others.get(child.connection_id, "")) for child in found[:MOST_SHOWN]],
        has_more=len(found) > MOST_SHOWN,
    )


def _started_elsewhere(job: Job, runs: Sequence[UUID], connection_ids: Sequence[UUID]) -> RunQuerySet:
    """Return the runs of other connections that these runs of the job started, by the rule of `children_of` in
    relations.py.

    A run id is ambiguous if another connection has it, too: two deployments of one DAG give their runs equal ids.
    """
    held = holders_of(runs, connection_ids)
    ambiguous = {run_id for _, run_id, name in held if name == job.name}
    children = Run.objects.filter(
        connection_id__in=connection_ids,
        parent_run_id__in=[run_id for run_id in runs if run_id not in ambiguous],
        parent_job_name=job.name,
    )
    for connection_id, run_id, _ in held:
        # Children in a connection that has a run with this id belong to that run.
        children = children.exclude(connection_id=connection_id, parent_run_id=run_id)
    return children


def _parent(job: Job) -> Job | None:
    """Return the parent if it is in the job's connection. Jobs elsewhere may share its name; the page of a run finds
    those."""
    if job.parent_job_id is None or job.parent_job_id == job.id:
        return None
    return Job.objects.filter(connection_id=job.connection_id, id=job.parent_job_id).only("name").first()
