"""Finds runs by the id that their sender gave them. Nearly always it is one run in one connection."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Prefetch, Q

from lineage.models import Job, Run

# Instances of a mapped task may share a run id.
MOST_FOUND = 1000


def runs_with_id(
    run_id: UUID, connection_ids: Sequence[UUID], *, job_id: UUID | None = None, map_index: int | None = None
) -> list[Run]:
    """Return the runs with this run id in these connections, with their `job`, the last active one first.

    `job_id`, `map_index`: only that job's, or only that instance. A job alone names its run without a map index, if it
    has one: some events of mapped tasks lack it. Hidden runs are returned where none is shown. Two queries.
    """
    runs = Run.objects.filter(connection_id__in=connection_ids, run_id=run_id).for_page()
    if job_id is not None:
        # The row of a name that was replaced leads to the one that is shown.
        parts = Run.objects.filter(connection_id__in=connection_ids, run_id=run_id, job_id=job_id)
        runs = runs.filter(Q(job_id=job_id) | Q(id__in=parts.values("joined_in")))
    if map_index is not None:
        runs = runs.filter(map_index=map_index)
    jobs = Prefetch("job", Job.objects.filter(connection_id__in=connection_ids).for_page())
    found = list(runs.order_by("-last_event_at", "connection_id", "id").prefetch_related(jobs)[:MOST_FOUND])
    shown = [run for run in found if not run.is_hidden]
    found = shown or [run for run in found if run.joined_in is None]
    return _without_instances(found) if job_id is not None and map_index is None else found


def _without_instances(runs: Sequence[Run]) -> list[Run]:
    """Leave out the instances of a mapped task where its connection also has a run without a map index."""
    plain = {run.connection_id for run in runs if run.map_index is None}
    return [run for run in runs if run.map_index is None or run.connection_id not in plain]
