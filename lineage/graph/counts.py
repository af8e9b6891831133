"""Counts of the jobs that read and write datasets: what a graph says of those that it does not show."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from lineage.database.reading import NOW, read_rows
from lineage.datasets.aliases import bound_names
from lineage.edges.rounds import IS_IN_USE, NEWEST_RUN
from lineage.edges.uses import READS, VARYING, WRITES
from lineage.events.effects import DATA

# Jobs of one name are counted up to here.
MOST_COUNTED: Final = 1000

# Most edges are in use without a look at their job: a run event named them in the last VARYING days before the newest
# run of the connection, so also in the last VARYING days before the latest round of their job, which is not newer. It
# does not hold for jobs that are hidden or shown under another name, nor for the past, when the newest run was another
# one. With ten hubs of a thousand readers the count takes a sixth of the time.
_HIDDEN_JOB: Final = """EXISTS (
    SELECT FROM lineage_job AS hidden WHERE hidden.connection_id = {of} AND hidden.is_hidden{and_job} OFFSET 0
)"""
_JOINED_RUN: Final = """EXISTS (
    SELECT FROM lineage_run AS joined
    WHERE joined.connection_id = {of} AND joined.joined_in IS NOT NULL{and_job} OFFSET 0
)"""
_COUNTS: Final = f"""
WITH of_connection AS MATERIALIZED (
    SELECT of.id,
        (SELECT max(run.run_at) FROM lineage_run AS run WHERE run.connection_id = of.id)
            - interval '{VARYING.days} days' AS since,
        {_HIDDEN_JOB.format(of="of.id", and_job="")} OR {_JOINED_RUN.format(of="of.id", and_job="")} AS has_hidden
    FROM unnest(%(connections)s::uuid[]) AS of (id)
)
SELECT wanted.id, side.direction, beside.count, beside.jobs
FROM unnest(%(ids)s::uuid[], %(names)s::uuid[], %(are_one)s::boolean[]) AS wanted (id, name, is_one)
CROSS JOIN (VALUES ('{READS}'), ('{WRITES}')) AS side (direction)
CROSS JOIN LATERAL (
    SELECT count(*), array_agg(edge.job_id) FILTER (WHERE NOT wanted.is_one) AS jobs
    FROM (
        SELECT connection_id, id, job_id, direction, effects, declared_at, last_event_hour FROM lineage_edge AS one
        WHERE one.dataset_id = wanted.name AND one.direction = side.direction
            AND one.connection_id = ANY(%(connections)s) AND one.first_event_hour <= %(at)s
        LIMIT {MOST_COUNTED}
    ) AS edge
    JOIN of_connection ON of_connection.id = edge.connection_id
    WHERE CASE WHEN %(varying)s AND %(is_now)s AND edge.declared_at IS NULL AND edge.effects & {DATA} <> 0
            AND edge.last_event_hour >= of_connection.since AND NOT (of_connection.has_hidden AND (
                {_HIDDEN_JOB.format(of="edge.connection_id", and_job=" AND hidden.id = edge.job_id")}
                OR {_JOINED_RUN.format(of="edge.connection_id", and_job=" AND joined.job_id = edge.job_id")}
            ))
        THEN true
        ELSE EXISTS (
            SELECT FROM lineage_job AS job
            LEFT JOIN LATERAL ({NEWEST_RUN.format(of="edge")}) AS newest ON true
            WHERE job.connection_id = edge.connection_id AND job.id = edge.job_id AND {IS_IN_USE}
            OFFSET 0
        )
    END
) AS beside
WHERE beside.count > 0
"""  # noqa: S608 - made of constants


def count_jobs(
    names: Mapping[UUID, Collection[UUID]], connection_ids: Collection[UUID], *, at: datetime, varying: bool
) -> dict[tuple[UUID, str], int]:
    """Return (dataset id, direction) → how many jobs read it, or write it: MOST_COUNTED at most under one name. One
    query. `names`: dataset id → ids of all its names."""
    bound = bound_names(names)
    are_one = [len(names[id_]) == 1 for id_ in bound["ids"]]
    rows = read_rows(
        _COUNTS,
        {
            **bound,
            "are_one": are_one,
            "connections": sorted(set(connection_ids)),
            "at": at,
            "is_now": at == NOW,
            "varying": varying,
        },
    )
    counts: dict[tuple[UUID, str], int] = {}
    # A job may read a dataset under two of its names.
    jobs: dict[tuple[UUID, str], set[UUID]] = defaultdict(set)
    for id_, direction, count, of_name in rows:
        if of_name is None:
            counts[id_, direction] = count
        else:
            jobs[id_, direction].update(of_name)
    return counts | {key: len(found) for key, found in jobs.items()}
