"""The latest round of a job: its latest run that names datasets, with that job's other runs under its parent run,
such as mapped instances and tries. What the round reads and writes is current."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

_OF_LATEST_RUN: Final = """
SELECT wanted.connection_id, wanted.job_id, wanted.id, wanted.id = ANY(latest.edge_ids),
    latest.parent_run_id, latest.run_at
FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[]) AS wanted (connection_id, job_id, id)
CROSS JOIN LATERAL (
    SELECT run.parent_run_id, run.run_at, run.edge_ids FROM lineage_run AS run
    WHERE run.connection_id = wanted.connection_id AND run.job_id = wanted.job_id AND run.edge_ids <> '{}'
    ORDER BY run.run_at DESC, run.id DESC LIMIT 1
) AS latest
"""
_UNDER_ITS_PARENT: Final = """
SELECT wanted.id
FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[]) AS wanted (connection_id, job_id, id, parent)
WHERE EXISTS (
    SELECT FROM lineage_run AS run
    WHERE run.connection_id = wanted.connection_id AND run.parent_run_id = wanted.parent
        AND run.job_id = wanted.job_id AND wanted.id = ANY(run.edge_ids)
)
"""


class EdgeOfJob(NamedTuple):
    connection_id: UUID
    job_id: UUID
    id: UUID


def edges_of_latest_rounds(edges: Collection[EdgeOfJob]) -> dict[UUID, datetime]:
    """Return the ids of those edges that the latest round of their job names → when its latest run took place. Two
    queries, one index access for each edge."""
    rows = _rows(_OF_LATEST_RUN, list(edges))
    current = {id_: at for _, _, id_, is_named, _, at in rows if is_named}
    times = {id_: at for _, _, id_, _, _, at in rows}
    others = [(*edge, parent) for *edge, is_named, parent, _ in rows if not is_named and parent]
    return current | {id_: times[id_] for (id_,) in _rows(_UNDER_ITS_PARENT, others)}


def _rows(statement: str, rows: Sequence[tuple[UUID, ...]]) -> list[Any]:
    if not rows:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])
        found: list[Any] = cursor.fetchall()
        return found
