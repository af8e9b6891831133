"""lineage_job. Its rows are locked before the runs are read, by a statement of its own: so each reads what those before
it committed, and two transactions that write runs of one job take turns."""

from typing import Final
from uuid import UUID

from lineage.sql.execute import Row, arrays, execute_rows

_JOB: Final = ("uuid", "uuid", "text", "text")
_KEY: Final = ("uuid", "uuid")
_DESCRIPTION: Final = ("uuid", "uuid", "timestamptz", "text", "text", "text")

# Runs that never end are not counted one by one at every event of their job.
MAX_RUNNING_RUNS: Final = 1000

_INSERT = f"""
INSERT INTO lineage_job (connection_id, id, namespace, name, kind, integration, processing_type)
SELECT said.*, 'JOB', '', '' FROM unnest({arrays(_JOB)}) AS said
ON CONFLICT (connection_id, id) DO NOTHING
""".encode()  # noqa: S608 - made of constants

_LOCK = f"""
SELECT FROM lineage_job
WHERE (connection_id, id) IN (SELECT * FROM unnest({arrays(_KEY)}))
ORDER BY connection_id, id FOR NO KEY UPDATE
""".encode()  # noqa: S608 - made of constants

# What a facet declared beats what was derived; among several of one sort the latest wins, then the greatest.
_SAID_WINS = """
    (COALESCE(said.described_at, '-infinity'), said.integration COLLATE "C", said.kind COLLATE "C",
     said.processing_type COLLATE "C")
  > (COALESCE(job.described_at, '-infinity'), job.integration, job.kind, job.processing_type)
"""

_COUNTED = """
    latest_run_id = latest.id,
    latest_run_state = latest.state,
    latest_run_at = latest.run_at,
    latest_run_started_at = latest.started_at,
    latest_run_ended_at = latest.ended_at,
    running_runs = running.count
"""
_RUNS_OF_SAID = f"""
LEFT JOIN LATERAL (
    SELECT run.id, run.state, run.run_at, run.started_at, run.ended_at FROM lineage_run AS run
    WHERE run.connection_id = said.connection_id AND run.job_id = said.id
    ORDER BY run.run_at DESC, run.id DESC LIMIT 1
) AS latest ON true
CROSS JOIN LATERAL (
    SELECT count(*) FROM (
        SELECT FROM lineage_run AS run
        WHERE run.connection_id = said.connection_id AND run.job_id = said.id AND run.state = 'RUNNING'
        LIMIT {MAX_RUNNING_RUNS}
    ) AS running_run
) AS running
"""  # noqa: S608 - made of constants
_RECOUNTED_DIFFERS = """
    (job.latest_run_id, job.latest_run_state, job.latest_run_at, job.latest_run_started_at,
     job.latest_run_ended_at, job.running_runs)
  IS DISTINCT FROM
    (latest.id, latest.state, latest.run_at, latest.started_at, latest.ended_at, running.count)
"""

_UPDATE = f"""
UPDATE lineage_job AS job SET
    described_at = CASE WHEN {_SAID_WINS} THEN said.described_at ELSE job.described_at END,
    integration = CASE WHEN {_SAID_WINS} THEN said.integration ELSE job.integration END,
    kind = CASE WHEN {_SAID_WINS} THEN said.kind ELSE job.kind END,
    processing_type = CASE WHEN {_SAID_WINS} THEN said.processing_type ELSE job.processing_type END,
    {_COUNTED}
FROM unnest({arrays(_DESCRIPTION)})
    AS said (connection_id, id, described_at, integration, kind, processing_type)
{_RUNS_OF_SAID}
WHERE job.connection_id = said.connection_id AND job.id = said.id AND ({_SAID_WINS} OR {_RECOUNTED_DIFFERS})
""".encode()  # noqa: S608 - made of constants

_RECOUNT = f"""
UPDATE lineage_job AS job SET {_COUNTED}
FROM unnest({arrays(_KEY)}) AS said (connection_id, id)
{_RUNS_OF_SAID}
WHERE job.connection_id = said.connection_id AND job.id = said.id AND {_RECOUNTED_DIFFERS}
""".encode()  # noqa: S608 - made of constants


def insert_jobs(rows: list[Row]) -> None:
    """Adds those that are not there. `rows`: (connection id, id, namespace, name), sorted."""
    execute_rows(_INSERT, _JOB, rows)


def lock_jobs(keys: list[tuple[UUID, UUID]]) -> None:
    """`keys`: (connection id, id)."""
    execute_rows(_LOCK, _KEY, keys)


def update_jobs(rows: list[Row]) -> None:
    """Describes locked jobs, and brings their latest run and running count up to date, from the runs.

    `rows`: (connection id, id, described at, integration, kind, processing type), one for each job.
    """
    execute_rows(_UPDATE, _DESCRIPTION, rows)


def recount_runs(keys: list[tuple[UUID, UUID]]) -> None:
    """The counts alone, for locked jobs (connection id, id)."""
    execute_rows(_RECOUNT, _KEY, keys)
