"""Usual durations of jobs, stored for lists: to compute fifty of them means to read ten thousand runs."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from lineage.jobs.statistics import FEWEST_FOR_MEDIAN, RECENT_RUNS
from lineage.jobs.tallies import median_seconds

# Jobs in one transaction: their rows are locked meanwhile, and new events wait for that.
_CHUNK: Final = 100
# Jobs of one round; the next round takes the others.
_MOST: Final = 10_000

# A new run, or a new state of the latest one, may change the median. Both are NULL for a job that was never computed.
_IS_OUTDATED: Final = """
latest_run_id IS NOT NULL
AND (usual_at_run_id, usual_at_state) IS DISTINCT FROM (latest_run_id, latest_run_state)
"""
_OUTDATED: Final = f"SELECT connection_id, id FROM lineage_job WHERE {_IS_OUTDATED} LIMIT %s"  # noqa: S608 - a constant
# Jobs that events are just changing are left for the next round.
_LOCK: Final = """
SELECT connection_id, id FROM lineage_job
WHERE (connection_id, id) IN (SELECT * FROM unnest(%s::uuid[], %s::uuid[]))
ORDER BY connection_id, id FOR NO KEY UPDATE SKIP LOCKED
"""
_STORE: Final = """
UPDATE lineage_job AS job SET
    usual_seconds = wanted.seconds, usual_at_run_id = job.latest_run_id, usual_at_state = job.latest_run_state
FROM unnest(%s::uuid[], %s::uuid[], %s::float8[]) AS wanted (connection_id, id, seconds)
WHERE job.connection_id = wanted.connection_id AND job.id = wanted.id
"""
_FORGET: Final = """
UPDATE lineage_job SET usual_seconds = NULL, usual_at_run_id = NULL, usual_at_state = NULL
WHERE connection_id = %s AND usual_at_run_id IS NOT NULL
"""

Key = tuple[UUID, UUID]  # connection id, job id


def refresh_usual_durations(*, should_stop: Callable[[], bool] = lambda: False) -> int:
    """Compute the usual durations of the jobs that ran since they were computed, until `should_stop()`. Returns how
    many were stored."""
    with connection.cursor() as cursor:
        cursor.execute(_OUTDATED, [_MOST])
        outdated: list[Key] = cursor.fetchall()
    stored = 0
    for start in range(0, len(outdated), _CHUNK):
        if should_stop():
            break
        stored += _refresh(outdated[start : start + _CHUNK])
    return stored


def forget_usual_durations(connection_id: UUID) -> None:
    """Have them computed anew, because runs of other durations may have been stored."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [connection_id])


@transaction.atomic
def _refresh(jobs: list[Key]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, _columns(jobs))
        locked: list[Key] = cursor.fetchall()
        if not locked:
            return 0
        medians = median_seconds(locked, most_runs=RECENT_RUNS, fewest=FEWEST_FOR_MEDIAN)
        cursor.execute(_STORE, [*_columns(locked), [medians.get(job_id) for _, job_id in locked]])
    return len(locked)


def _columns(jobs: list[Key]) -> list[list[UUID]]:
    return [list(column) for column in zip(*jobs, strict=True)]
