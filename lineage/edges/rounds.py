"""Reads the latest round of jobs: the latest run that names datasets, with the job's other runs under its parent run,
such as mapped instances and tries."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from lineage.database.reading import NOW, read_rows
from lineage.edges.uses import READS, VARYING, Round
from lineage.events.effects import DATA, EXPLICIT, IMPLIED

# Runs of one round.
_MOST_RUNS: Final = 1000
NEWEST_RUN: Final = """
    SELECT * FROM lineage_run
    WHERE connection_id = {of}.connection_id AND job_id = {of}.job_id AND edge_ids <> '{{}}' AND run_at <= %(at)s
    ORDER BY run_at DESC, id DESC LIMIT 1
"""
# The rule of uses.py in SQL, where thousands of edges are counted: of `edge`, `job` and `newest`, its newest run.
IS_IN_USE: Final = f"""
    (edge.effects & {DATA} <> 0
        OR edge.effects & {IMPLIED} <> 0 AND (edge.direction = '{READS}' OR edge.effects & {EXPLICIT} <> 0))
    AND newest.joined_in IS NULL AND NOT job.is_hidden AND (
        edge.declared_at = job.declared_at OR edge.id = ANY(newest.edge_ids)
        OR (%(varying)s AND edge.last_event_hour >= newest.run_at - interval '{VARYING.days} days')
    )
"""
# A hidden job has no round, unless its runs are shown under another name of it.
_ROUNDS: Final = f"""
SELECT job.id, COALESCE(joined.job_id, job.id), newest.run_at,
    COALESCE(joined.edge_ids, siblings.edge_ids, newest.edge_ids, '{{}}'), job.declared_at
FROM unnest(%(of)s::uuid[], %(jobs)s::uuid[]) AS wanted (connection_id, job_id)
JOIN lineage_job AS job ON job.connection_id = wanted.connection_id AND job.id = wanted.job_id
LEFT JOIN LATERAL ({NEWEST_RUN.format(of="wanted")}) AS newest ON true
LEFT JOIN lineage_run AS joined ON joined.connection_id = newest.connection_id AND joined.id = newest.joined_in
LEFT JOIN LATERAL (
    SELECT array_agg(DISTINCT edge_id) AS edge_ids FROM (
        SELECT edge_ids FROM lineage_run
        WHERE connection_id = newest.connection_id AND parent_run_id = newest.parent_run_id AND job_id = newest.job_id
            AND run_at <= %(at)s
        LIMIT {_MOST_RUNS}
    ) AS run, unnest(run.edge_ids) AS edge_id
) AS siblings ON true
WHERE joined.id IS NOT NULL OR NOT job.is_hidden
"""  # noqa: S608 - made of constants


def read_rounds(jobs: Iterable[tuple[UUID, UUID]], *, at: datetime = NOW) -> dict[UUID, Round]:
    """Return job id → its latest round up to a moment. `jobs`: (connection id, job id). One query."""
    wanted = sorted(set(jobs))
    if not wanted:
        return {}
    bound = {"of": [of for of, _ in wanted], "jobs": [job for _, job in wanted], "at": at}
    rows = read_rows(_ROUNDS, bound)
    return {job: Round(shown, run_at, frozenset(edges), declared) for job, shown, run_at, edges, declared in rows}
