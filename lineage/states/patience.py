"""Patience: how long a run may be silent before it is lost, by the durations of the job's latest runs."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import connection

from lineage.models.clocks import LONGEST_SQL, has_known_duration_sql
from lineage.states.rules import patience_of_job

Key = tuple[UUID, UUID]  # connection id, job id

RECENT_RUNS: Final = 200
# Only a job with a long run gets more patience. Long runs are counted in a partial index. EXISTS would be slower:
# PostgreSQL estimates that a third of all runs are long, so it may read the whole table to find one.
LONG_RUNS: Final = f"""(
    SELECT count(*) FROM lineage_run AS long
    WHERE long.connection_id = {{of}}.connection_id AND long.job_id = {{job}}
        AND long.ended_at - long.started_at > interval '6 hours'
        AND long.ended_at - long.started_at <= {LONGEST_SQL}
)"""  # noqa: S608 - made of constants
_PATIENCE: Final = f"""
SELECT job.connection_id, job.id, job.processing_type IN ('STREAMING', 'SERVICE'),
    CASE WHEN {LONG_RUNS.format(job="job.id", of="job")} > 0 THEN (
        SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY known.ended_at - known.started_at)
        FROM (
            SELECT latest.started_at, latest.ended_at FROM lineage_run AS latest
            WHERE latest.connection_id = job.connection_id AND latest.job_id = job.id
            ORDER BY latest.run_at DESC, latest.id DESC LIMIT {RECENT_RUNS}
        ) AS known
        WHERE {has_known_duration_sql("known.started_at", "known.ended_at")}
    ) END
FROM unnest(%s::uuid[], %s::uuid[]) AS wanted (connection_id, id)
JOIN lineage_job AS job ON job.connection_id = wanted.connection_id AND job.id = wanted.id
"""  # noqa: S608 - made of constants


def patience_of_jobs(jobs: Iterable[Key]) -> dict[Key, timedelta | None]:
    """Return job → how long its runs may be silent; None: for ever. One query."""
    connection_ids, ids = (list(column) for column in zip(*sorted(jobs), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_PATIENCE, [connection_ids, ids])
        return {
            (connection_id, id_): patience_of_job(is_endless=is_endless, p95=p95)
            for connection_id, id_, is_endless, p95 in cursor.fetchall()
        }
