"""Settles lone runs, whose states depend on no other run, in the digest's own transaction. Marks the others."""

from collections.abc import Iterable, Set
from datetime import datetime
from typing import Final
from uuid import UUID

from lineage.database.execute import Result, arrays, execute_rows, statement
from lineage.states.patience import LONG_RUNS
from lineage.states.rules import LAST_MOMENT, PATIENCE

_KEY: Final = ("uuid", "uuid", "boolean", "timestamptz")
Key = tuple[UUID, UUID]  # connection id, id of a row of lineage_run
_PATIENCE: Final = f"interval '{PATIENCE.total_seconds():.0f} seconds'"
_LOST_AFTER: Final = f"LEAST(run.silent_since + {_PATIENCE}, '{LAST_MOMENT}')"
_OF_TASK: Final = (
    "other.connection_id = run.connection_id AND other.parent_run_id = run.parent_run_id AND other.job_id = run.job_id"
)
# By rules.py a lone run is shown with its own state and end; it is not hidden, and is lost after the usual time. Its
# job is locked: of two transactions that bring runs of one task, the second finds those of the first. OFFSET makes
# PostgreSQL look into an index for each row: in a new database it might else read all rows for a few.
# Another transaction may bring the same run under another name at this moment, and lock another job. So a new run
# (these are hidden) of a sender that renames jobs is settled after this transaction: the later of the two sees both.
_IS_LONE: Final = f"""
    run.state_from_parent IS NULL AND run.invocation_id IS NULL AND run.left_families IS NULL
    AND run.shown_state <> 'LOST' AND NOT (said.is_renamable AND run.is_hidden)
    AND NOT EXISTS (
        SELECT FROM lineage_run AS other
        WHERE other.connection_id = run.connection_id AND other.run_id = run.run_id AND other.id <> run.id
        OFFSET 0
    )
    AND (run.parent_run_id IS NULL OR NOT EXISTS (
        SELECT FROM lineage_run AS other
        WHERE {_OF_TASK} AND COALESCE(other.map_index, -1) = COALESCE(run.map_index, -1) AND other.id <> run.id
        OFFSET 0
    ) AND NOT EXISTS (
        SELECT FROM lineage_run AS other WHERE {_OF_TASK} AND other.state_from_parent IS NOT NULL OFFSET 0
    ) AND NOT EXISTS (
        SELECT FROM lineage_run AS other
        WHERE other.connection_id = run.connection_id AND other.job_id = run.job_id
            AND other.earlier_parent_run_ids @> ARRAY[run.parent_run_id]
        OFFSET 0
    ))
    AND (run.state <> 'RUNNING'
        OR job.processing_type NOT IN ('STREAMING', 'SERVICE') AND {LONG_RUNS.format(job="run.job_id", of="run")} = 0
    )
"""  # noqa: S608 - made of constants
_STORE = statement(f"""
WITH run AS (
    SELECT run.connection_id, run.id, run.job_id, run.ended_at, run.run_at, run.last_event_at, run.silent_since,
        run.shown_state, run.shown_ended_at, run.is_hidden, run.lost_after, said.now,
        CASE WHEN run.is_hidden THEN 'UNKNOWN' ELSE run.shown_state END AS from_state,
        CASE WHEN run.state = 'RUNNING' AND {_LOST_AFTER} <= said.now THEN 'LOST' ELSE run.state END AS to_state,
        CASE WHEN run.state = 'RUNNING' THEN {_LOST_AFTER} END AS new_lost_after,
        {_IS_LONE} AS is_lone
    FROM unnest({arrays(_KEY)}) AS said (connection_id, id, is_renamable, now)
    CROSS JOIN LATERAL (
        SELECT * FROM lineage_run AS one WHERE one.connection_id = said.connection_id AND one.id = said.id OFFSET 0
    ) AS run
    CROSS JOIN LATERAL (
        SELECT processing_type FROM lineage_job AS one
        WHERE one.connection_id = run.connection_id AND one.id = run.job_id OFFSET 0
    ) AS job
), shown AS (
    UPDATE lineage_run AS stored
    SET shown_state = run.to_state, shown_ended_at = run.ended_at, is_hidden = false, lost_after = run.new_lost_after
    FROM run
    WHERE run.is_lone AND stored.connection_id = run.connection_id AND stored.id = run.id
        AND (run.is_hidden OR (run.shown_state, run.shown_ended_at, run.lost_after)
            IS DISTINCT FROM (run.to_state, run.ended_at, run.new_lost_after))
    RETURNING stored.connection_id, stored.id
), noted AS (
    INSERT INTO lineage_transition (connection_id, run_id, job_id, from_state, to_state, at, settled_at)
    SELECT run.connection_id, run.id, run.job_id, run.from_state, run.to_state,
        CASE run.to_state
            WHEN 'RUNNING' THEN run.run_at WHEN 'LOST' THEN run.new_lost_after
            ELSE COALESCE(run.ended_at, run.last_event_at)
        END,
        run.now
    FROM run JOIN shown USING (connection_id, id)
    WHERE run.from_state <> run.to_state
)
INSERT INTO lineage_mark (connection_id, run_id)
SELECT connection_id, id FROM run WHERE NOT is_lone
RETURNING connection_id
""")  # noqa: S608 - made of constants


def settle_lone_runs(keys: Iterable[Key], *, renamable: Set[Key], now: datetime) -> Result:
    """Stores what the lone runs among `keys` are shown as, and marks the others. Rows: (connection id) of each mark.

    `keys`: connection id and id of rows of lineage_run; the transaction has locked their jobs. `renamable`: those that
    may have rows under other names.
    """
    return execute_rows(_STORE, _KEY, [(*key, key in renamable, now) for key in keys])
