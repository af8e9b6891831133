"""Reads the runs above others, also in other connections."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

from connections.models import Connection
from lineage.runs.ended_above import MOST_ANCESTORS, Ancestor
from lineage.runs.relations import holders_of

Key = tuple[UUID, UUID]  # connection id, run id

# A try that another one followed, and that sent no end, is over when the next one begins.
_RUNS: Final = """
SELECT above.connection_id, above.id, above.parent_run_id, above.parent_job_name,
    COALESCE(above.shown_ended_at, CASE WHEN above.shown_state = 'RETRIED' THEN (
        SELECT min(try.run_at) FROM lineage_run AS try
        WHERE try.connection_id = above.connection_id AND try.parent_run_id = above.parent_run_id
            AND try.job_id = above.job_id AND COALESCE(try.map_index, -1) = COALESCE(above.map_index, -1)
            AND try.attempt > above.attempt
    ) END),
    above.last_event_at, job.processing_type IN ('STREAMING', 'SERVICE')
FROM unnest(%s::uuid[], %s::uuid[]) AS wanted (connection_id, id)
JOIN lineage_run AS above ON above.connection_id = wanted.connection_id AND above.id = wanted.id
JOIN lineage_job AS job ON job.connection_id = above.connection_id AND job.id = above.job_id
"""


class Child(NamedTuple):
    """A run, and how it names its parent."""

    connection_id: UUID
    id: UUID
    parent_run_id: UUID | None
    parent_job_name: str


class _Row(NamedTuple):
    connection_id: UUID
    id: UUID
    parent_run_id: UUID | None
    parent_job_name: str
    over_at: datetime | None
    last_event_at: datetime
    is_endless: bool


def ancestors_of(children: Iterable[Child]) -> dict[Key, list[Ancestor]]:
    """(connection id, id) of each child → the runs above it, the nearest first, as far as they are known.

    Stops at a run that is over or endless: `ended_above` looks no further. Two or three queries for each generation.
    """
    found: dict[Key, list[Ancestor]] = {}
    below: dict[Key, Child] = {}
    for child in children:
        found[child.connection_id, child.id] = []
        below[child.connection_id, child.id] = child
    for _ in range(MOST_ANCESTORS):
        above = _parents(below)
        if not above:
            break
        below = {}
        for key, row in above.items():
            found[key].append(Ancestor(row.connection_id, row.id, row.over_at, row.last_event_at, row.is_endless))
            if row.over_at is None and not row.is_endless:
                below[key] = Child(*row[:4])
    return found


def _parents(children: Mapping[Key, Child]) -> dict[Key, _Row]:
    """Finds each parent: in the child's own connection, or the only run elsewhere whose job has the right name."""
    named = {key: child for key, child in children.items() if child.parent_run_id not in (None, child.id)}
    here = _rows({(child.connection_id, child.parent_run_id) for child in named.values() if child.parent_run_id})
    parents = {}
    missing: dict[Key, Child] = {}
    for key, child in named.items():
        row = here.get((child.connection_id, child.parent_run_id)) if child.parent_run_id else None
        if row is None:
            missing[key] = child
        else:
            parents[key] = row
    return parents | _parents_elsewhere(missing)


def _parents_elsewhere(children: Mapping[Key, Child]) -> dict[Key, _Row]:
    ids = sorted({child.parent_run_id for child in children.values() if child.parent_run_id})
    if not ids:
        return {}
    visible = list(Connection.objects.visible().order_by().values_list("pk", flat=True))
    holders: dict[tuple[UUID, str], list[UUID]] = {}
    for connection_id, run_id, job_name in holders_of(ids, visible):
        holders.setdefault((run_id, job_name), []).append(connection_id)
    only = {name: found[0] for name, found in holders.items() if len(found) == 1}
    keys = {
        key: (only[child.parent_run_id, child.parent_job_name], child.parent_run_id)
        for key, child in children.items()
        if child.parent_run_id and (child.parent_run_id, child.parent_job_name) in only
    }
    rows = _rows(set(keys.values()))
    return {key: rows[parent] for key, parent in keys.items() if parent in rows}


def _rows(keys: "set[Key]") -> dict[Key, _Row]:
    if not keys:
        return {}
    connection_ids, ids = (list(column) for column in zip(*sorted(keys), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_RUNS, [connection_ids, ids])
        rows: Sequence[_Row] = [_Row(*row) for row in cursor.fetchall()]
    return {(row.connection_id, row.id): row for row in rows}
