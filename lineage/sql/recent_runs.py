"""The latest runs of several jobs: one probe of `lineage_run_newest_of_job` for each job, whatever it keeps."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from lineage import states

_OF_JOBS = f"""
FROM unnest(%s::uuid[], %s::uuid[]) AS wanted (connection_id, job_id)
CROSS JOIN LATERAL (
    SELECT recent.id, {states.shown_state("recent")} AS state, recent.run_at FROM lineage_run AS recent
    WHERE recent.connection_id = wanted.connection_id AND recent.job_id = wanted.job_id
        AND NOT {states.hidden("recent")}
    ORDER BY recent.run_at DESC, recent.id DESC LIMIT %s
) AS run
"""  # noqa: S608 - made of constants
_RUNS = f"SELECT wanted.job_id, run.id, run.state, run.run_at {_OF_JOBS} ORDER BY run.run_at, run.id"
_STATES = f"""
SELECT wanted.job_id, array_agg(run.state ORDER BY run.run_at, run.id) {_OF_JOBS}
GROUP BY wanted.connection_id, wanted.job_id
"""


Key = tuple[UUID, UUID]  # connection id, job id


class RecentRun(NamedTuple):
    """A run in a strip of a job's latest ones."""

    job_id: UUID
    id: UUID
    state: str
    run_at: datetime


def latest_runs(jobs: Sequence[Key], *, most_runs: int) -> list[RecentRun]:
    """Of each job so many at most, the latest last. One query."""
    return [RecentRun(*row) for row in _ask(_RUNS, jobs, most_runs)]


def latest_states(jobs: Sequence[Key], *, most_runs: int) -> dict[UUID, list[str]]:
    """Job id → the states of those runs alone, where there are some: a page shows thousands of them. One query."""
    return dict(_ask(_STATES, jobs, most_runs))


def _ask(statement: str, jobs: Sequence[Key], most_runs: int) -> list[tuple[Any, ...]]:
    if not jobs:
        return []
    connection_ids, job_ids = (list(ids) for ids in zip(*jobs, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(statement, [connection_ids, job_ids, most_runs])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
