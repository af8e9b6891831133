"""Reads of problems: each a flat list over the connections that may be seen, in one statement."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from lineage.database.reading import read_rows
from lineage.now.histories import PastRun
from lineage.now.problems import ProblemRun

# Failing and lost jobs that are read, those whose latest run is the latest first; and running runs, the oldest first.
MOST_JOBS: Final = 500
MOST_RUNNING: Final = 100
_MOST_INSTANCES: Final = 100
_MOST_RECOVERED: Final = 100
# Failures whose jobs may have recovered, and runs that failed today, began at most this long ago.
_LOOK_BACK: Final = timedelta(days=3)

_RUN: Final = """job.connection_id, job.id, job.name, job.kind, job.owners, run.id, run.run_id, run.shares_run_id,
    run.map_index, run.shown_state, run.run_at, run.started_at, run.shown_ended_at, run.last_event_at,
    run.parent_run_id, run.parent_job_name, COALESCE(run.error_message, '')"""
_FAILING: Final = f"""
SELECT {_RUN}
FROM (
    SELECT job.connection_id, job.id, job.name, job.kind, job.owners, job.latest_run_id FROM lineage_job AS job
    WHERE job.connection_id = ANY(%(connections)s) AND NOT job.is_hidden
        AND job.latest_run_state = ANY('{{FAILED,LOST}}')
    ORDER BY job.latest_run_at DESC, job.id LIMIT {MOST_JOBS}
) AS job
JOIN lineage_run AS run ON run.connection_id = job.connection_id AND run.id = job.latest_run_id
"""  # noqa: S608 - made of constants
_INSTANCES: Final = f"""
SELECT {_RUN}
FROM unnest(%(of)s::uuid[], %(jobs)s::uuid[], %(parents)s::uuid[]) AS wanted (connection_id, job_id, parent_run_id)
JOIN lineage_job AS job ON job.connection_id = wanted.connection_id AND job.id = wanted.job_id
CROSS JOIN LATERAL (
    SELECT * FROM lineage_run AS one
    WHERE one.connection_id = wanted.connection_id AND one.parent_run_id = wanted.parent_run_id
        AND one.job_id = wanted.job_id AND one.map_index IS NOT NULL AND one.shown_state IN ('FAILED', 'LOST')
        AND NOT one.is_hidden
    ORDER BY one.run_at DESC, one.id DESC LIMIT {_MOST_INSTANCES}
) AS run
"""  # noqa: S608 - made of constants
# OFFSET keeps PostgreSQL from reading all jobs at once.
_RUNNING: Final = f"""
SELECT {_RUN}, count(*) OVER ()
FROM lineage_run AS run
CROSS JOIN LATERAL (
    SELECT * FROM lineage_job AS one WHERE one.connection_id = run.connection_id AND one.id = run.job_id OFFSET 0
) AS job
WHERE run.connection_id = ANY(%(connections)s) AND run.shown_state = 'RUNNING' AND NOT run.is_hidden
    AND run.started_at IS NOT NULL AND job.processing_type <> ALL('{{STREAMING,SERVICE}}')
ORDER BY run.run_at, run.id LIMIT {MOST_RUNNING}
"""  # noqa: S608 - made of constants
_HISTORIES: Final = """
SELECT wanted.job_id, array_agg(run.shown_state ORDER BY run.run_at, run.id),
    array_agg(run.run_at ORDER BY run.run_at, run.id), array_agg(run.shown_ended_at ORDER BY run.run_at, run.id)
FROM unnest(%(of)s::uuid[], %(jobs)s::uuid[]) AS wanted (connection_id, job_id)
CROSS JOIN LATERAL (
    SELECT recent.id, recent.shown_state, recent.run_at, recent.shown_ended_at FROM lineage_run AS recent
    WHERE recent.connection_id = wanted.connection_id AND recent.job_id = wanted.job_id AND NOT recent.is_hidden
    ORDER BY recent.run_at DESC, recent.id DESC LIMIT %(most)s
) AS run
GROUP BY wanted.connection_id, wanted.job_id
"""
_HALF_HOURS: Final = """
SELECT floor(extract(epoch FROM COALESCE(run.shown_ended_at, run.run_at)) / 1800)::bigint,
    count(*) FILTER (WHERE run.shown_state = 'FAILED'), count(*) FILTER (WHERE run.shown_state = 'LOST')
FROM lineage_run AS run
WHERE run.connection_id = ANY(%(connections)s) AND run.shown_state IN ('FAILED', 'LOST') AND NOT run.is_hidden
    AND run.run_at >= %(began)s AND COALESCE(run.shown_ended_at, run.run_at) BETWEEN %(since)s AND %(until)s
GROUP BY 1 ORDER BY 1
"""
_RECOVERED: Final = f"""
SELECT job.connection_id, job.id, job.name, job.kind, job.parent_job_id
FROM (
    SELECT run.connection_id, run.job_id, max(run.run_at) AS at FROM lineage_run AS run
    WHERE run.connection_id = ANY(%(connections)s) AND run.shown_state IN ('FAILED', 'LOST') AND NOT run.is_hidden
        AND run.run_at >= %(began)s
    GROUP BY run.connection_id, run.job_id
) AS failed
JOIN lineage_job AS job ON job.connection_id = failed.connection_id AND job.id = failed.job_id
WHERE NOT job.is_hidden AND job.latest_run_state = 'COMPLETED' AND job.latest_run_at > failed.at
    AND job.latest_run_ended_at >= %(since)s
ORDER BY failed.at DESC, job.id LIMIT {_MOST_RECOVERED}
"""  # noqa: S608 - made of constants

Key = tuple[UUID, UUID]  # connection id, job id


class HalfHour(NamedTuple):
    """Number of runs that failed or were lost in a half hour. `number`: half hours since 1970."""

    number: int
    failed: int
    lost: int


class RecoveredJob(NamedTuple):
    """Job whose latest run completed after one that failed. It may have recovered earlier than today."""

    connection_id: UUID
    id: UUID
    name: str
    kind: str
    parent_job_id: UUID | None


def read_failing(connections: Collection[UUID]) -> list[ProblemRun]:
    """Read the latest runs of jobs that fail or are lost, MOST_JOBS at most, and other instances of mapped ones. Two
    queries."""
    runs = [ProblemRun(*row) for row in read_rows(_FAILING, {"connections": list(connections)})]
    mapped = sorted(
        (run.connection_id, run.job_id, run.parent_run_id)
        for run in runs
        if run.map_index is not None and run.parent_run_id
    )
    if not mapped:
        return runs
    of, jobs, parents = (list(column) for column in zip(*mapped, strict=True))
    instances = [ProblemRun(*row) for row in read_rows(_INSTANCES, {"of": of, "jobs": jobs, "parents": parents})]
    known = {(run.connection_id, run.id) for run in runs}
    return runs + [run for run in instances if (run.connection_id, run.id) not in known]


def read_running(connections: Collection[UUID]) -> tuple[list[ProblemRun], int]:
    """Read running runs, the oldest MOST_RUNNING, and how many there are. Streams and services run for ever, and are
    left out."""
    rows = read_rows(_RUNNING, {"connections": list(connections)})
    return [ProblemRun(*row[:-1]) for row in rows], rows[0][-1] if rows else 0


def read_histories(jobs: Iterable[Key], *, most_runs: int) -> dict[UUID, Sequence[PastRun]]:
    """Return job id → its latest runs, `most_runs` at most, the latest last. One query, none without jobs."""
    keys = sorted(set(jobs))
    if not keys:
        return {}
    of, ids = (list(column) for column in zip(*keys, strict=True))
    rows = read_rows(_HISTORIES, {"of": of, "jobs": ids, "most": most_runs})
    return {job: [PastRun(*run) for run in zip(*columns, strict=True)] for job, *columns in rows}


def read_half_hours(connections: Collection[UUID], *, since: datetime, until: datetime) -> list[HalfHour]:
    """Count the runs that failed or were lost in each half hour, without those in which none did."""
    bound = {"connections": list(connections), "since": since, "until": until, "began": since - _LOOK_BACK}
    return [HalfHour(*row) for row in read_rows(_HALF_HOURS, bound)]


def read_recovered(connections: Collection[UUID], *, since: datetime) -> list[RecoveredJob]:
    """Read the jobs that fail no more, and whose latest run ended after `since`."""
    bound = {"connections": list(connections), "since": since, "began": since - _LOOK_BACK}
    return [RecoveredJob(*row) for row in read_rows(_RECOVERED, bound)]
