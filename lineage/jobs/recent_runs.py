"""States of the latest runs of several jobs. One index access for each job, however many runs it has."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

_STATES = """
SELECT wanted.job_id, array_agg(run.state ORDER BY run.run_at, run.id)
FROM unnest(%s::uuid[], %s::uuid[]) AS wanted (connection_id, job_id)
CROSS JOIN LATERAL (
    SELECT recent.id, recent.shown_state AS state, recent.run_at FROM lineage_run AS recent
    WHERE recent.connection_id = wanted.connection_id AND recent.job_id = wanted.job_id
        AND NOT recent.is_hidden
    ORDER BY recent.run_at DESC, recent.id DESC LIMIT %s
) AS run
GROUP BY wanted.connection_id, wanted.job_id
"""


Key = tuple[UUID, UUID]  # connection id, job id


def latest_states(jobs: Sequence[Key], *, most_runs: int) -> dict[UUID, list[str]]:
    """Return job id → the states of its latest runs, `most_runs` at most, the latest last. One query."""
    if not jobs:
        return {}
    connection_ids, job_ids = (list(ids) for ids in zip(*jobs, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_STATES, [connection_ids, job_ids, most_runs])
        return dict(cursor.fetchall())
