"""The latest runs of several jobs: one probe of `lineage_run_newest_of_job` for each job, whatever it keeps."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from lineage import states

_LATEST = f"""
SELECT wanted.job_id, run.id, run.state, run.run_at
FROM unnest(%s::uuid[], %s::uuid[]) AS wanted (connection_id, job_id)
CROSS JOIN LATERAL (
    SELECT recent.id, {states.shown_state("recent")} AS state, recent.run_at FROM lineage_run AS recent
    WHERE recent.connection_id = wanted.connection_id AND recent.job_id = wanted.job_id
        AND NOT {states.hidden("recent")}
    ORDER BY recent.run_at DESC, recent.id DESC LIMIT %s
) AS run
ORDER BY run.run_at, run.id
"""  # noqa: S608 - made of constants


class RecentRun(NamedTuple):
    """A run in a strip of a job's latest ones."""

    job_id: UUID
    id: UUID
    state: str
    run_at: datetime


def latest_runs(jobs: Sequence[tuple[UUID, UUID]], *, most_runs: int) -> list[RecentRun]:
    """`jobs`: (connection id, job id). Of each so many at most, the latest last. One query."""
    if not jobs:
        return []
    connection_ids, job_ids = (list(ids) for ids in zip(*jobs, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_LATEST, [connection_ids, job_ids, most_runs])
        return [RecentRun(*row) for row in cursor.fetchall()]
