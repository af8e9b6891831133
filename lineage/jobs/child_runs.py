"""Reads the child runs of a job's latest runs, for the grid of them."""

from collections.abc import Iterable, Sequence
from typing import Final

from lineage.database.reading import read_rows
from lineage.jobs.grid import CellRuns
from lineage.models import Job, Run

# Runs that were sent again have child runs, too: those of a run that is hidden stand in the column of the one shown. In
# other connections, and if runs of several jobs have one id, the child runs name the job.
_STATEMENT: Final = """
WITH above AS (
    SELECT position, run_id, shares_run_id
    FROM unnest(%(runs)s::uuid[], %(shared)s::boolean[]) WITH ORDINALITY AS shown (run_id, shares_run_id, position)
    UNION
    SELECT position, hidden.run_id, FALSE
    FROM unnest(%(invocations)s::uuid[]) WITH ORDINALITY AS shown (invocation_id, position)
    JOIN lineage_run AS hidden ON hidden.connection_id = %(connection)s AND hidden.job_id = %(job)s
        AND hidden.invocation_id = shown.invocation_id AND hidden.is_hidden
)
SELECT DISTINCT ON (above.position, child.connection_id, child.job_id, child.shown_state)
    above.position::int - 1, child.connection_id, child.job_id, child.shown_state,
    count(*) OVER (PARTITION BY above.position, child.connection_id, child.job_id, child.shown_state)::int,
    child.run_id, child.map_index, child.shares_run_id, child.attempt,
    child.run_at, child.started_at, child.shown_ended_at
FROM above
CROSS JOIN unnest(%(of)s::uuid[], %(jobs)s::uuid[]) AS wanted (connection_id, job_id)
JOIN lineage_run AS child ON child.connection_id = wanted.connection_id AND child.parent_run_id = above.run_id
    AND child.job_id = wanted.job_id AND NOT child.is_hidden
    AND (child.parent_job_name = %(name)s OR NOT above.shares_run_id AND child.connection_id = %(connection)s)
ORDER BY above.position, child.connection_id, child.job_id, child.shown_state, child.run_at DESC, child.id DESC
"""


def read_child_runs(job: Job, runs: Sequence[Run], jobs: Iterable[Job]) -> list[CellRuns]:
    """Read the child runs that these runs of a job started, of the given jobs. One query."""
    wanted = [(child.connection_id, child.id) for child in jobs]
    bound = {
        "connection": job.connection_id,
        "job": job.id,
        "name": job.name,
        "runs": [run.run_id for run in runs],
        "shared": [run.shares_run_id for run in runs],
        "invocations": [run.invocation_id for run in runs],
        "of": [connection_id for connection_id, _ in wanted],
        "jobs": [job_id for _, job_id in wanted],
    }
    return [CellRuns(*row) for row in read_rows(_STATEMENT, bound)]
