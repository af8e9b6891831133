"""What the jobs of a connection are, counted in several ways at once: each of its jobs is read once, and whether it
runs or was lost, which takes some look-ups, is asked once."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

from lineage.database.prepared import prepared
from lineage.models import shown_state_sql as shown_states
from lineage.models import state_sql as states

# By parent, of those that fold: which of these jobs are there is asked once for each, not for each that folds. By all
# at once: to sort once for each is slower. By an xid as well, the same for all: it has no order, so PostgreSQL, which
# would sort even so, has to hash.
_FACTS: Final = f"""
SELECT kind, namespace, owners, tags, state, runs,
    CASE WHEN EXISTS (
        SELECT FROM lineage_job AS outer_job
        WHERE outer_job.connection_id = %(connection_id)s AND outer_job.id = fact.parent_id
        OFFSET 0
    ) THEN parent_id END,
    count(*), array_agg(id) FILTER (WHERE is_lost)
FROM (
    SELECT id, is_lost, kind, namespace, owners, tags,
        CASE WHEN kind = ANY (%(folded_kinds)s) THEN parent_job_id END AS parent_id,
        (CASE WHEN is_lost THEN 'LOST' ELSE latest_run_state END) AS state,
        {shown_states.job_is_running("job", "%(now)s", is_lost="is_lost")} AS runs
    FROM (
        SELECT *, {shown_states.job_is_lost("lineage_job", "%(now)s")} AS is_lost FROM lineage_job
        WHERE connection_id = %(connection_id)s AND {states.job_is_shown("lineage_job")}
        OFFSET 0
    ) AS job
    OFFSET 0
) AS fact
GROUP BY parent_id, state, runs, kind, namespace, owners, tags, (CASE WHEN kind = '' THEN '1' ELSE '0' END)::xid
"""  # noqa: S608 - made of constants


class Count(NamedTuple):
    """How many jobs have all of these: `state`, that of the latest run, `runs`, whether any run is running, and
    `parent_id`, the job that they fold under. `lost`: which of them, where the state is LOST; else None."""

    kind: str
    namespace: str
    owners: list[str]
    tags: list[str]
    state: str | None
    runs: bool
    parent_id: UUID | None
    jobs: int
    lost: list[UUID] | None


def count_jobs(connection_id: UUID, *, folded_kinds: tuple[str, ...], now: datetime) -> list[Count]:
    """One query. `folded_kinds`: of jobs that fold under another one."""
    with prepared(), connection.cursor() as cursor:
        cursor.execute(_FACTS, {"connection_id": connection_id, "folded_kinds": list(folded_kinds), "now": now})
        return [Count(*row) for row in cursor.fetchall()]
