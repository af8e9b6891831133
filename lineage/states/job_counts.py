"""Latest run and running count of jobs: columns of lineage_job, computed from the shown states of runs.

Jobs are locked by a statement of their own before their runs are counted, so each count sees what earlier ones
committed. All jobs are locked at once, in sorted order: writers that lock in one order cannot deadlock.
"""

from typing import Final
from uuid import UUID

from lineage.database.execute import Result, arrays, execute_rows, statement

Key = tuple[UUID, UUID]  # connection id, job id

_KEY: Final = ("uuid", "uuid")
# A job with runs that never end would otherwise cost more with each event.
MAX_RUNNING_RUNS: Final = 1000

_LOCK = statement(f"""
SELECT FROM lineage_job WHERE (connection_id, id) IN (SELECT * FROM unnest({arrays(_KEY)}))
ORDER BY connection_id, id FOR NO KEY UPDATE
""")  # noqa: S608 - made of constants


def _instance(state: str, together: str) -> str:
    """SQL: the latest instance of the newest run's mapped task that is shown in this state. `together`: the column that
    has one value for all instances."""
    return f"""(
        SELECT run.id FROM lineage_run AS run
        WHERE run.connection_id = wanted.connection_id AND run.{together} = newest.{together}
            AND run.job_id = wanted.id AND run.map_index IS NOT NULL AND run.shown_state = '{state}'
            AND NOT run.is_hidden
        ORDER BY run.run_at DESC, run.id DESC LIMIT 1
    )"""  # noqa: S608 - made of constants


def _deciding_instance(together: str) -> str:
    """SQL: the instance whose state its mapped task has: one that failed, else one that was lost, else one that still
    runs."""
    return f"COALESCE({', '.join(_instance(state, together) for state in ('FAILED', 'LOST', 'RUNNING'))})"


# Instances without a parent run are those with one run id.
_DECIDING_INSTANCE: Final = f"""CASE
    WHEN newest.map_index IS NULL THEN NULL
    WHEN newest.parent_run_id IS NULL THEN {_deciding_instance("run_id")}
    ELSE {_deciding_instance("parent_run_id")}
END"""
_RECOUNT = statement(f"""
UPDATE lineage_job AS job SET
    latest_run_id = latest.id,
    latest_run_sent_id = latest.run_id,
    latest_run_state = latest.shown_state,
    latest_run_at = latest.run_at,
    latest_run_started_at = latest.started_at,
    latest_run_ended_at = latest.shown_ended_at,
    running_runs = running.count,
    is_hidden = hidden.all
FROM unnest({arrays(_KEY)}) AS wanted (connection_id, id)
LEFT JOIN LATERAL (
    SELECT run.id, run.run_id, run.parent_run_id, run.map_index FROM lineage_run AS run
    WHERE run.connection_id = wanted.connection_id AND run.job_id = wanted.id AND NOT run.is_hidden
    ORDER BY run.run_at DESC, run.id DESC LIMIT 1
) AS newest ON true
LEFT JOIN LATERAL (
    SELECT run.id, run.run_id, run.shown_state, run.run_at, run.started_at, run.shown_ended_at FROM lineage_run AS run
    WHERE run.connection_id = wanted.connection_id
        AND run.id = COALESCE({_DECIDING_INSTANCE}, newest.id)
    LIMIT 1
) AS latest ON true
CROSS JOIN LATERAL (
    SELECT count(*) FROM (
        SELECT FROM lineage_run AS run
        WHERE run.connection_id = wanted.connection_id AND run.job_id = wanted.id
            AND run.shown_state = 'RUNNING' AND NOT run.is_hidden
        LIMIT {MAX_RUNNING_RUNS}
    ) AS run
) AS running
CROSS JOIN LATERAL (
    -- Sorted, so that an index is used: EXISTS may read the whole table for a job that has no run.
    SELECT newest.id IS NULL AND (
        SELECT run.id FROM lineage_run AS run
        WHERE run.connection_id = wanted.connection_id AND run.job_id = wanted.id
        ORDER BY run.run_at DESC, run.id DESC LIMIT 1
    ) IS NOT NULL AS all
) AS hidden
WHERE job.connection_id = wanted.connection_id AND job.id = wanted.id
    AND (job.latest_run_id, job.latest_run_sent_id, job.latest_run_state, job.latest_run_at, job.latest_run_started_at,
         job.latest_run_ended_at, job.running_runs, job.is_hidden)
    IS DISTINCT FROM (latest.id, latest.run_id, latest.shown_state, latest.run_at, latest.started_at,
         latest.shown_ended_at, running.count, hidden.all)
RETURNING job.id
""")  # noqa: S608 - made of constants


def lock_jobs(keys: list[Key]) -> None:
    """Lock jobs. `keys`: sorted."""
    execute_rows(_LOCK, _KEY, keys)


def recount_jobs(keys: list[Key]) -> Result:
    """Update the latest run and the running count of locked jobs. Rows of the result: id of each job that changed.

    `keys`: sorted.
    """
    return execute_rows(_RECOUNT, _KEY, keys)
