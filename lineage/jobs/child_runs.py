"""Reads the child runs of a job's latest runs, for the grid of them."""

from collections.abc import Iterable, Sequence
from typing import Final

from lineage.database.reading import read_rows
from lineage.jobs.grid import MOST_INSTANCES, CellRuns
from lineage.models import Job, Run

_OF_CELL: Final = """
(SELECT connection_id, id, job_id, shown_state, run_id, map_index, shares_run_id, attempt, run_at, started_at,
    shown_ended_at
FROM lineage_run
WHERE connection_id = wanted.connection_id AND parent_run_id = above.run_id AND job_id = wanted.job_id AND NOT is_hidden
    AND (parent_job_name = %(name)s OR NOT above.shares_run_id AND connection_id = %(connection)s) {more})
"""
# A mapped task may have thousands of instances. An index finds those in the worst states, in this order.
_IS_WORST: Final = "map_index IS NOT NULL AND shown_state IN ('FAILED', 'LOST', 'RUNNING')"
_WORST: Final = _OF_CELL.format(
    more=f"AND {_IS_WORST} ORDER BY shown_state, run_at DESC, id DESC LIMIT {MOST_INSTANCES}"
)
_OTHERS: Final = _OF_CELL.format(more=f"AND NOT ({_IS_WORST}) LIMIT {MOST_INSTANCES}")
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
    (count(*) OVER alike)::int, min(child.run_at) OVER alike,
    child.run_id, child.map_index, child.shares_run_id, child.attempt,
    child.run_at, child.started_at, child.shown_ended_at
FROM above
CROSS JOIN unnest(%(of)s::uuid[], %(jobs)s::uuid[]) AS wanted (connection_id, job_id)
CROSS JOIN LATERAL (
    @worst
    UNION ALL
    @others
) AS child
WINDOW alike AS (PARTITION BY above.position, child.connection_id, child.job_id, child.shown_state)
ORDER BY above.position, child.connection_id, child.job_id, child.shown_state, child.run_at DESC, child.id DESC
""".replace("@worst", _WORST).replace("@others", _OTHERS)


def read_child_runs(job: Job, runs: Sequence[Run], jobs: Iterable[Job]) -> list[CellRuns]:
    """Read the child runs that these runs of a job started, of the given jobs: of a mapped task with more instances
    MOST_INSTANCES and those that failed, were lost or run. One query."""
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
