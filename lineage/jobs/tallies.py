"""What the latest runs of jobs tell, in the states that they are shown in: one probe of `lineage_run_newest_of_job` for
each job, whatever it keeps."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

_STATISTICS = """
SELECT wanted.connection_id, wanted.job_id, tally.*
FROM unnest(%s::uuid[], %s::uuid[]) AS wanted (connection_id, job_id)
CROSS JOIN LATERAL (
    SELECT
        count(*) AS runs,
        count(*) FILTER (WHERE state = 'COMPLETED') AS completed,
        count(*) FILTER (WHERE state = 'FAILED') AS failed,
        count(*) FILTER (WHERE state = 'ABORTED') AS aborted,
        count(*) FILTER (WHERE state = 'RETRIED') AS retried,
        min(run_at) AS oldest_at,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95
    FROM (
        SELECT
            run.shown_state AS state, run.run_at,
            CASE WHEN run.shown_state = 'COMPLETED' AND run.shown_ended_at >= run.started_at
                 THEN extract(epoch FROM run.shown_ended_at - run.started_at)::float8 END AS seconds
        FROM lineage_run AS run
        WHERE run.connection_id = wanted.connection_id AND run.job_id = wanted.job_id AND NOT run.is_hidden
        ORDER BY run.run_at DESC, run.id DESC
        LIMIT %s
    ) AS recent_run
) AS tally
WHERE tally.runs > 0
"""


# By what the runs say of themselves: a page asks for fifty jobs. A task that skipped itself counts as completed.
_MEDIANS = """
SELECT wanted.job_id, tally.completed, tally.median
FROM unnest(%s::uuid[], %s::uuid[]) AS wanted (connection_id, job_id)
CROSS JOIN LATERAL (
    SELECT count(seconds) AS completed, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median
    FROM (
        SELECT CASE WHEN run.state = 'COMPLETED' AND run.ended_at >= run.started_at
                    THEN extract(epoch FROM run.ended_at - run.started_at)::float8 END AS seconds
        FROM lineage_run AS run
        WHERE run.connection_id = wanted.connection_id AND run.job_id = wanted.job_id
        ORDER BY run.run_at DESC, run.id DESC
        LIMIT %s
    ) AS recent_run
) AS tally
WHERE tally.completed >= %s
"""


class Tally(NamedTuple):
    """Of the latest runs of one job. `median` and `p95` are in seconds; None where no duration is known."""

    connection_id: UUID
    job_id: UUID
    runs: int
    completed: int
    failed: int
    aborted: int
    retried: int
    oldest_at: datetime
    median: float | None
    p95: float | None


def tally_runs(jobs: Sequence[tuple[UUID, UUID]], *, most_runs: int) -> list[Tally]:
    """`jobs`: (connection id, job id). Those without a run are left out. One query."""
    return [Tally(*row) for row in _ask(_STATISTICS, jobs, most_runs)]


def median_seconds(jobs: Sequence[tuple[UUID, UUID]], *, most_runs: int, fewest: int) -> dict[UUID, float]:
    """Job id → how long its completed runs took at the median, where there are as many. One query."""
    return {job_id: median for job_id, _, median in _ask(_MEDIANS, jobs, most_runs, fewest)}


def _ask(statement: str, jobs: Sequence[tuple[UUID, UUID]], *parameters: int) -> list[tuple[Any, ...]]:
    if not jobs:
        return []
    connection_ids, job_ids = (list(ids) for ids in zip(*jobs, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(statement, [connection_ids, job_ids, *parameters])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
