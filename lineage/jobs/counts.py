"""Counts of jobs by several properties at once. Each job is read once."""

from collections.abc import Collection
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

# Grouping by parent makes PostgreSQL check once for each parent whether it exists, not once for each job inside it. One
# grouping by all columns is faster than one sort for each. The constant xid has no sort order, which makes PostgreSQL
# hash the groups instead of sorting them.
_FACTS: Final = """
SELECT connection_id, kind, namespace, owners, tags, state, runs,
    CASE WHEN EXISTS (
        SELECT FROM lineage_job AS outer_job
        WHERE outer_job.connection_id = fact.connection_id AND outer_job.id = fact.parent_id
        OFFSET 0
    ) THEN parent_id END,
    count(*)
FROM (
    SELECT connection_id, kind, namespace, owners, tags, latest_run_state AS state, running_runs > 0 AS runs,
        CASE WHEN kind = ANY (%(folded_kinds)s) THEN parent_job_id END AS parent_id
    FROM lineage_job
    WHERE connection_id = ANY(%(connection_ids)s) AND NOT is_hidden
) AS fact
GROUP BY connection_id, parent_id, state, runs, kind, namespace, owners, tags,
    (CASE WHEN kind = '' THEN '1' ELSE '0' END)::xid
"""


class JobCount(NamedTuple):
    """Number of jobs with these properties.

    `state`: of the latest run. `runs`: any run is running. `parent_id`: the job inside which lists show them.
    """

    connection_id: UUID
    kind: str
    namespace: str
    owners: list[str]
    tags: list[str]
    state: str | None
    runs: bool
    parent_id: UUID | None
    jobs: int


def count_jobs(connection_ids: Collection[UUID], *, folded_kinds: tuple[str, ...]) -> list[JobCount]:
    """Count the jobs of connections in one query. `folded_kinds`: kinds of jobs that lists show inside another one."""
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, {"connection_ids": list(connection_ids), "folded_kinds": list(folded_kinds)})
        return [JobCount(*row) for row in cursor.fetchall()]
