"""Marks of changed runs that have to be settled. A mark is written in the transaction of the change.

Marks are only added and deleted, so writing one never waits. A settler first reads marks, then runs, then deletes those
marks. A mark that arrives meanwhile stays, and its run is settled again.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from lineage.database.execute import execute_rows, statement

_KEY: Final = ("uuid", "uuid")
_ADD = statement("""
INSERT INTO lineage_mark (connection_id, run_id) SELECT * FROM unnest(%b::uuid[], %b::uuid[])
""")
_ADD_LOST_CHILDREN = statement("""
INSERT INTO lineage_mark (connection_id, run_id)
SELECT child.connection_id, child.id FROM unnest(%b::uuid[], %b::uuid[]) AS revived (connection_id, run_id)
JOIN lineage_run AS child
    ON child.connection_id = revived.connection_id AND child.parent_run_id = revived.run_id
        AND child.shown_state = 'LOST'
""")
_DELETE = statement("""
DELETE FROM lineage_mark AS mark USING unnest(%b::uuid[], %b::bigint[]) AS gone (connection_id, id)
WHERE mark.connection_id = gone.connection_id AND mark.id = gone.id
""")
_FIRST: Final = "SELECT id, run_id FROM lineage_mark WHERE connection_id = %s ORDER BY id LIMIT %s"
# One index access for each connection, because there may be many marks.
_MARKED: Final = """
SELECT one.id FROM connections_connection AS one
WHERE EXISTS (SELECT FROM lineage_mark AS mark WHERE mark.connection_id = one.id)
ORDER BY one.id
"""


class MarkRow(NamedTuple):
    """Row of lineage_mark. `id` grows in the order in which marks are made, not in the order of commits."""

    id: int
    run_id: UUID


def add_marks(connection_id: UUID, run_ids: Iterable[UUID]) -> None:
    execute_rows(_ADD, _KEY, [(connection_id, run_id) for run_id in run_ids])


def mark_lost_children(connection_ids: Iterable[UUID], parent_run_ids: Sequence[UUID]) -> None:
    """Mark the lost runs in these connections that name one of these parents, by their senders' run ids."""
    keys = [(connection_id, run_id) for connection_id in connection_ids for run_id in parent_run_ids]
    execute_rows(_ADD_LOST_CHILDREN, _KEY, keys)


def read_marks(connection_id: UUID, *, most: int) -> list[MarkRow]:
    """Read the earliest marks of a connection."""
    return [MarkRow(*row) for row in _query(_FIRST, [connection_id, most])]


def delete_marks(connection_id: UUID, marks: Sequence[MarkRow]) -> None:
    execute_rows(_DELETE, ("uuid", "bigint"), [(connection_id, mark.id) for mark in marks])


def marked_connections() -> list[UUID]:
    """Return the connections that have marks, also removed ones."""
    return [connection_id for (connection_id,) in _query(_MARKED, [])]


def _query(sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
