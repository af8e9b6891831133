"""Tallies of the latest runs of jobs, by their shown states. One index access for each job, however many runs it
has."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from lineage.models.clocks import LONGEST_SQL, has_known_duration_sql

# A start that is impossibly long before its receipt says nothing about how often the job runs.
_STATISTICS = f"""
SELECT wanted.connection_id, wanted.job_id, tally.*
FROM unnest(%s::uuid[], %s::uuid[]) AS wanted (connection_id, job_id)
CROSS JOIN LATERAL (
    SELECT count(*) AS runs, count(*) FILTER (WHERE state = 'COMPLETED'), count(*) FILTER (WHERE state = 'FAILED'),
        count(*) FILTER (WHERE state = 'ABORTED'), count(*) FILTER (WHERE state = 'RETRIED'), min(began_at),
        percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds), percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds)
    FROM (
        SELECT
            run.shown_state AS state,
            CASE WHEN run_at < received_at - {LONGEST_SQL} THEN received_at ELSE run_at END AS began_at,
            CASE WHEN run.shown_state = 'COMPLETED' AND {has_known_duration_sql("started_at", "shown_ended_at")}
            THEN extract(epoch FROM shown_ended_at - started_at)::float8 END AS seconds
        FROM lineage_run AS run
        WHERE run.connection_id = wanted.connection_id AND run.job_id = wanted.job_id AND NOT run.is_hidden
        ORDER BY run.run_at DESC, run.id DESC
        LIMIT %s
    ) AS recent_run
) AS tally
WHERE tally.runs > 0
"""  # noqa: S608 - made of constants


# Uses the runs' own events, which is faster: a page asks for fifty jobs. A task that skipped itself counts as
# completed.
_MEDIANS = f"""
SELECT wanted.job_id, tally.completed, tally.median
FROM unnest(%s::uuid[], %s::uuid[]) AS wanted (connection_id, job_id)
CROSS JOIN LATERAL (
    SELECT count(seconds) AS completed, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median
    FROM (
        SELECT CASE WHEN run.state = 'COMPLETED' AND {has_known_duration_sql("started_at", "ended_at")}
                    THEN extract(epoch FROM ended_at - started_at)::float8 END AS seconds
        FROM lineage_run AS run
        WHERE run.connection_id = wanted.connection_id AND run.job_id = wanted.job_id
        ORDER BY run.run_at DESC, run.id DESC
        LIMIT %s
    ) AS recent_run
) AS tally
WHERE tally.completed >= %s
"""  # noqa: S608 - made of constants


# Each job is looked up by its key. With a join PostgreSQL read the whole table for as long as it believed that few jobs
# have a stored median.
_STORED = """
SELECT job.id, job.usual_seconds
FROM unnest(%s::uuid[], %s::uuid[]) AS wanted (connection_id, job_id)
CROSS JOIN LATERAL (
    SELECT one.id, one.usual_seconds, one.usual_at_run_id FROM lineage_job AS one
    WHERE one.connection_id = wanted.connection_id AND one.id = wanted.job_id
    OFFSET 0
) AS job
WHERE job.usual_at_run_id IS NOT NULL
"""


class Tally(NamedTuple):
    """Tally of the latest runs of one job. `median` and `p95` are in seconds; None if no duration is known."""

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
    """Tally runs of jobs, given as (connection id, job id). Jobs without a run are left out. One query."""
    return [Tally(*row) for row in _query(_STATISTICS, jobs, most_runs)]


def median_seconds(jobs: Sequence[tuple[UUID, UUID]], *, most_runs: int, fewest: int) -> dict[UUID, float]:
    """Return job id → median duration of its completed runs, for jobs with at least `fewest` of them. One query."""
    return {job_id: median for job_id, _, median in _query(_MEDIANS, jobs, most_runs, fewest)}


def stored_median_seconds(jobs: Sequence[tuple[UUID, UUID]]) -> dict[UUID, float | None]:
    """Return job id → stored median, None where too few runs completed; jobs without are left out. One query."""
    return dict(_query(_STORED, jobs))


def _query(statement: str, jobs: Sequence[tuple[UUID, UUID]], *parameters: int) -> list[tuple[Any, ...]]:
    if not jobs:
        return []
    connection_ids, job_ids = (list(ids) for ids in zip(*jobs, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(statement, [connection_ids, job_ids, *parameters])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
