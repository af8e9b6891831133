"""lineage_job. Its rows are locked before the runs change, so that what is read of the runs afterwards is whole:
two transactions that write runs of one job take turns."""

from uuid import UUID

from lineage.sql.execute import Row, by_column, execute

_INSERT = """
INSERT INTO lineage_job (connection_id, id, namespace, name, kind, integration, processing_type)
SELECT said.*, 'JOB', '', '' FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::text[]) AS said
ON CONFLICT (connection_id, id) DO NOTHING
"""

_LOCK = """
SELECT FROM lineage_job
WHERE (connection_id, id) IN (SELECT * FROM unnest(%b::uuid[], %b::uuid[]))
ORDER BY connection_id, id FOR NO KEY UPDATE
"""

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
_RUNS_OF_SAID = """
LEFT JOIN LATERAL (
    SELECT run.id, run.state, run.run_at, run.started_at, run.ended_at FROM lineage_run AS run
    WHERE run.connection_id = said.connection_id AND run.job_id = said.id
    ORDER BY run.run_at DESC, run.id DESC LIMIT 1
) AS latest ON true
CROSS JOIN LATERAL (
    SELECT count(*) FROM lineage_run AS run
    WHERE run.connection_id = said.connection_id AND run.job_id = said.id AND run.state = 'RUNNING'
) AS running
"""
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
FROM unnest(%b::uuid[], %b::uuid[], %b::timestamptz[], %b::text[], %b::text[], %b::text[])
    AS said (connection_id, id, described_at, integration, kind, processing_type)
{_RUNS_OF_SAID}
WHERE job.connection_id = said.connection_id AND job.id = said.id AND ({_SAID_WINS} OR {_RECOUNTED_DIFFERS})
"""  # noqa: S608 - made of constants

_RECOUNT = f"""
UPDATE lineage_job AS job SET {_COUNTED}
FROM unnest(%b::uuid[], %b::uuid[]) AS said (connection_id, id)
{_RUNS_OF_SAID}
WHERE job.connection_id = said.connection_id AND job.id = said.id AND {_RECOUNTED_DIFFERS}
"""  # noqa: S608 - made of constants


def insert_jobs(rows: list[Row]) -> None:
    """Adds those that are not there. `rows`: (connection id, id, namespace, name), sorted."""
    execute(_INSERT.encode(), by_column(rows, 4))


def lock_jobs(keys: list[tuple[UUID, UUID]]) -> None:
    """`keys`: (connection id, id)."""
    execute(_LOCK.encode(), by_column(keys, 2))


def update_jobs(rows: list[Row]) -> None:
    """Describes locked jobs, and brings their latest run and running count up to date, from the runs.

    `rows`: (connection id, id, described at, integration, kind, processing type), one for each job.
    """
    execute(_UPDATE.encode(), by_column(rows, 6))


def recount_runs(keys: list[tuple[UUID, UUID]]) -> None:
    """The counts alone, for locked jobs (connection id, id)."""
    execute(_RECOUNT.encode(), by_column(keys, 2))
