"""Runs of which no event is stored any more, and transitions from long ago."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

# Asked for one run after the other: by its span, PostgreSQL opens the partitions alone that could hold its events.
# A stand-in is made of its parent's events.
_NO_EVENT = """
(
    SELECT true FROM lineage_event AS event
    WHERE event.connection_id = run.connection_id AND event.kind = 'RUN'
        AND event.subject_id = CASE WHEN run.told_state IS NULL THEN run.id ELSE run.parent_run_id END
        AND event.event_time BETWEEN run.first_event_at AND run.last_event_at
    LIMIT 1
) IS NULL
"""
# Of a job that has none to show, the newest stays: else it would look like one that never ran.
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
# While tests that were sent again are stored, what was sent of each by itself stands for them: see
# lineage/states/rules.py.
_STANDS_FOR_NONE = """
(run.invocation_id IS NULL OR NOT EXISTS (
    SELECT FROM lineage_run AS again
    WHERE again.connection_id = run.connection_id AND again.invocation_id = run.invocation_id
        AND again.node_id IS NULL AND again.test_ids IS NOT NULL
        AND (run.node_id IS NOT NULL OR run.test_ids IS NULL AND again.job_id = run.job_id)
    OFFSET 0
))
"""
_OVER = f"{_NOT_THE_LATEST} AND {_NO_EVENT} AND {_STANDS_FOR_NONE}"
_EXAMINE = f"""
SELECT run.run_at, run.id, run.job_id, {_OVER}
FROM lineage_run AS run
WHERE run.connection_id = %s AND run.run_at < %s AND (run.run_at, run.id) > (%s, %s)
ORDER BY run.run_at, run.id LIMIT %s
"""  # noqa: S608 - made of constants
# A run that is being written is left alone: an event of it came.
_DELETE = f"""
WITH free AS (
    SELECT id FROM lineage_run WHERE connection_id = %s AND id = ANY(%s) ORDER BY id FOR UPDATE SKIP LOCKED
)
DELETE FROM lineage_run AS run USING free
WHERE run.connection_id = %s AND run.id = free.id AND {_OVER}
"""  # noqa: S608 - made of constants


class Place(NamedTuple):
    """Where among the runs of a connection, as they took place."""

    run_at: datetime
    id: UUID


class Examined(NamedTuple):
    run_at: datetime
    id: UUID
    job_id: UUID
    # It is not the latest of its job, no event of it is stored, and none that it stands for is.
    is_over: bool


def examine_runs(connection_id: UUID, *, after: Place, before: datetime, limit: int) -> list[Examined]:
    """The next runs of a connection behind a place that took place before a moment."""
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
    """How many were deleted."""
    with connection.cursor() as cursor:
        cursor.execute(_DELETE_TRANSITIONS, [settled_before, most])
        return int(cursor.rowcount)


def delete_runs(connection_id: UUID, run_ids: Sequence[UUID]) -> int:
    """Deletes those of them that are over, whose jobs this transaction has locked: how many."""
    ids: list[Any] = list(run_ids)
    with connection.cursor() as cursor:
        cursor.execute(_DELETE, [connection_id, ids, connection_id])
        return int(cursor.rowcount)
