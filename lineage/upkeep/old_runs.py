"""Deletion of runs whose events are all deleted, and of old transitions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

# Evaluated run by run: with the run's time range, PostgreSQL opens only the partitions that may hold its events. The
# row of a task without events of its own was made from its parent's events.
_NO_EVENT = """
(
    SELECT true FROM lineage_event AS event
    WHERE event.connection_id = run.connection_id AND event.kind = 'RUN'
        AND event.subject_id = ANY(CASE
            WHEN run.joined_ids IS NOT NULL THEN run.joined_ids
            WHEN run.state_from_parent IS NULL THEN ARRAY[run.id]
            ELSE ARRAY(
                SELECT above.id FROM lineage_run AS above
                WHERE above.connection_id = run.connection_id AND above.run_id = run.parent_run_id
            )
        END)
        AND event.event_time BETWEEN run.first_event_at AND run.last_event_at
    LIMIT 1
) IS NULL
"""
# If a job has only hidden runs, the newest one stays; else the job would look as if it never ran.
_NOT_THE_LATEST = """
run.id IS DISTINCT FROM (
    SELECT COALESCE(job.latest_run_id, (
        SELECT newest.id FROM lineage_run AS newest
        WHERE newest.connection_id = job.connection_id AND newest.job_id = job.id
        ORDER BY newest.run_at DESC, newest.id DESC LIMIT 1
    ))
    FROM lineage_job AS job
    WHERE job.connection_id = run.connection_id AND job.id = run.job_id
)
"""
# The datasets of a job are those of its latest run that named any. OFFSET makes PostgreSQL look into an index.
_NAMES_NO_CURRENT_DATASETS = """
(run.edge_ids = '{}' OR EXISTS (
    SELECT FROM lineage_run AS newer
    WHERE newer.connection_id = run.connection_id AND newer.job_id = run.job_id AND newer.edge_ids <> '{}'
        AND (newer.run_at, newer.id) > (run.run_at, run.id)
    OFFSET 0
))
"""
# Keeps runs of single tests as long as a run of all these tests is stored, because they are shown instead of it: see
# lineage/states/rules.py.
_REPLACES_NONE = """
(run.invocation_id IS NULL OR NOT EXISTS (
    SELECT FROM lineage_run AS again
    WHERE again.connection_id = run.connection_id AND again.invocation_id = run.invocation_id
        AND again.node_id IS NULL AND again.test_ids IS NOT NULL
        AND (run.node_id IS NOT NULL OR run.test_ids IS NULL AND again.job_id = run.job_id)
    OFFSET 0
))
"""
_IS_EXPIRED = f"{_NOT_THE_LATEST} AND {_NAMES_NO_CURRENT_DATASETS} AND {_NO_EVENT} AND {_REPLACES_NONE}"
_EXAMINE = f"""
SELECT run.run_at, run.id, run.job_id, {_IS_EXPIRED}
FROM lineage_run AS run
WHERE run.connection_id = %s AND run.run_at < %s AND (run.run_at, run.id) > (%s, %s)
ORDER BY run.run_at, run.id LIMIT %s
"""  # noqa: S608 - made of constants
# Skips a run that is being written, because an event of it arrived.
_DELETE = f"""
WITH free AS (
    SELECT id FROM lineage_run WHERE connection_id = %s AND id = ANY(%s) ORDER BY id FOR UPDATE SKIP LOCKED
)
DELETE FROM lineage_run AS run USING free
WHERE run.connection_id = %s AND run.id = free.id AND {_IS_EXPIRED}
RETURNING run.id, run.shown_state = 'COMPLETED'
"""  # noqa: S608 - made of constants


class Place(NamedTuple):
    """Position among the runs of a connection, sorted by time."""

    run_at: datetime
    id: UUID


class Examined(NamedTuple):
    run_at: datetime
    id: UUID
    job_id: UUID
    # It is not the latest of its job, no event of it is stored, and it is not shown instead of a stored run.
    is_expired: bool


def examine_runs(connection_id: UUID, *, after: Place, before: datetime, limit: int) -> list[Examined]:
    """Read the next runs of a connection after a position, up to a moment."""
    with connection.cursor() as cursor:
        cursor.execute(_EXAMINE, [connection_id, before, *after, limit])
        return [Examined(*row) for row in cursor.fetchall()]


_DELETE_TRANSITIONS = """
DELETE FROM lineage_transition AS transition USING (
    SELECT connection_id, id FROM lineage_transition WHERE settled_at < %s LIMIT %s FOR UPDATE SKIP LOCKED
) AS old
WHERE transition.connection_id = old.connection_id AND transition.id = old.id
"""


def delete_transitions(*, settled_before: datetime, most: int) -> int:
    """Delete old transitions, `most` at most. Returns how many were deleted."""
    with connection.cursor() as cursor:
        cursor.execute(_DELETE_TRANSITIONS, [settled_before, most])
        return int(cursor.rowcount)


# What a run counted and checked goes with it. The last change of a dataset stays, if its run completed: it tells what
# became of it.
_DELETE_RESULTS = """
DELETE FROM lineage_measure WHERE connection_id = %(connection_id)s AND run_id = ANY(%(runs)s);
DELETE FROM lineage_check WHERE connection_id = %(connection_id)s AND run_id = ANY(%(runs)s);
DELETE FROM lineage_extraction WHERE connection_id = %(connection_id)s AND run_id = ANY(%(runs)s);
DELETE FROM lineage_change AS change
WHERE connection_id = %(connection_id)s AND run_id = ANY(%(runs)s) AND (NOT run_id = ANY(%(completed)s) OR EXISTS (
    SELECT FROM lineage_change AS later
    WHERE later.dataset_id = change.dataset_id AND later.connection_id = change.connection_id
        AND (later.at, later.id) > (change.at, change.id)
))
"""


def delete_runs(connection_id: UUID, run_ids: Sequence[UUID]) -> int:
    """Delete those of these runs that are expired. The caller has locked their jobs. Returns how many were deleted."""
    ids: list[Any] = list(run_ids)
    with connection.cursor() as cursor:
        cursor.execute(_DELETE, [connection_id, ids, connection_id])
        deleted = dict(cursor.fetchall())
        if deleted:
            completed = [id_ for id_, is_completed in deleted.items() if is_completed]
            cursor.execute(
                _DELETE_RESULTS, {"connection_id": connection_id, "runs": list(deleted), "completed": completed}
            )
        return len(deleted)
