"""What the jobs of a connection are, counted in several ways at once: each of its jobs is read once."""

from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

# By parent, of those that fold: which of these jobs are there is asked once for each, not for each that folds. By all
# at once: to sort once for each is slower. By an xid as well, the same for all: it has no order, so PostgreSQL, which
# would sort even so, has to hash.
_FACTS: Final = """
SELECT kind, namespace, owners, tags, state, runs,
    CASE WHEN EXISTS (
        SELECT FROM lineage_job AS outer_job
        WHERE outer_job.connection_id = %(connection_id)s AND outer_job.id = fact.parent_id
        OFFSET 0
    ) THEN parent_id END,
    count(*)
FROM (
    SELECT kind, namespace, owners, tags, latest_run_state AS state, running_runs > 0 AS runs,
        CASE WHEN kind = ANY (%(folded_kinds)s) THEN parent_job_id END AS parent_id
    FROM lineage_job
    WHERE connection_id = %(connection_id)s AND NOT is_hidden
) AS fact
GROUP BY parent_id, state, runs, kind, namespace, owners, tags, (CASE WHEN kind = '' THEN '1' ELSE '0' END)::xid
"""


class Count(NamedTuple):
    """How many jobs have all of these: `state`, that of the latest run, `runs`, whether any run is running, and
    `parent_id`, the job that they fold under."""

    kind: str
    namespace: str
    owners: list[str]
    tags: list[str]
    state: str | None
    runs: bool
    parent_id: UUID | None
    jobs: int


def count_jobs(connection_id: UUID, *, folded_kinds: tuple[str, ...]) -> list[Count]:
    """One query. `folded_kinds`: of jobs that fold under another one."""
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, {"connection_id": connection_id, "folded_kinds": list(folded_kinds)})
        return [Count(*row) for row in cursor.fetchall()]
