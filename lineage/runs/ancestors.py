"""Reads the ancestors of runs, also in other connections."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

from connections.querysets import ConnectionQuerySet
from lineage.runs.finished_ancestor import MOST_ANCESTORS, Ancestor
from lineage.runs.relations import holders_of

Key = tuple[UUID, UUID]  # connection id, id of a row of lineage_run
Named = tuple[UUID, UUID]  # connection id, the sender's run id

# A try that sent no end is finished when the next try begins.
_RUNS: Final = """
SELECT above.connection_id, above.id, above.run_id, job.name, above.parent_run_id, above.parent_job_name,
    COALESCE(above.shown_ended_at, CASE WHEN above.shown_state = 'RETRIED' THEN (
        SELECT min(try.run_at) FROM lineage_run AS try
        WHERE try.connection_id = above.connection_id AND try.parent_run_id = above.parent_run_id
            AND try.job_id = above.job_id AND COALESCE(try.map_index, -1) = COALESCE(above.map_index, -1)
            AND try.attempt > above.attempt
    ) END),
    above.silent_since, job.processing_type IN ('STREAMING', 'SERVICE')
FROM unnest(%s::uuid[], %s::uuid[]) AS wanted (connection_id, run_id)
JOIN lineage_run AS above
    ON above.connection_id = wanted.connection_id AND above.run_id = wanted.run_id AND above.joined_in IS NULL
JOIN lineage_job AS job ON job.connection_id = above.connection_id AND job.id = above.job_id
"""


class ChildRun(NamedTuple):
    """Run, with the names that it gives its parent. `id`: of the row; `run_id`: the sender's."""

    connection_id: UUID
    id: UUID
    run_id: UUID
    parent_run_id: UUID | None
    parent_job_name: str


class _Row(NamedTuple):
    connection_id: UUID
    id: UUID
    run_id: UUID
    job_name: str
    parent_run_id: UUID | None
    parent_job_name: str
    finished_at: datetime | None
    silent_since: datetime
    is_endless: bool


def ancestors_of(children: Iterable[ChildRun], connections: ConnectionQuerySet) -> dict[Key, list[Ancestor]]:
    """Return (connection id, id) of each child → its known ancestors, the nearest first.

    Stops at a run that is finished or endless, because `finished_ancestor` looks no further. Two or three queries for
    each generation. `connections`: where a parent of another connection is looked for.
    """
    found: dict[Key, list[Ancestor]] = {}
    below: dict[Key, ChildRun] = {}
    for child in children:
        found[child.connection_id, child.id] = []
        below[child.connection_id, child.id] = child
    for _ in range(MOST_ANCESTORS):
        above = _parents(below, connections)
        if not above:
            break
        below = {}
        for key, row in above.items():
            found[key].append(Ancestor(row.connection_id, row.id, row.finished_at, row.silent_since, row.is_endless))
            if row.finished_at is None and not row.is_endless:
                below[key] = ChildRun(*row[:3], row.parent_run_id, row.parent_job_name)
    return found


def _parents(children: Mapping[Key, ChildRun], connections: ConnectionQuerySet) -> dict[Key, _Row]:
    """Find the parent of each child: in the child's connection, or the only run elsewhere whose job has the given
    name."""
    named = {key: child for key, child in children.items() if child.parent_run_id not in (None, child.run_id)}
    here = _rows({(child.connection_id, child.parent_run_id) for child in named.values() if child.parent_run_id})
    parents = {}
    missing: dict[Key, ChildRun] = {}
    for key, child in named.items():
        found = here.get((child.connection_id, child.parent_run_id), []) if child.parent_run_id else []
        if row := _best(found, child.parent_job_name):
            parents[key] = row
        else:
            missing[key] = child
    return parents | _parents_elsewhere(missing, connections)


def _parents_elsewhere(children: Mapping[Key, ChildRun], connections: ConnectionQuerySet) -> dict[Key, _Row]:
    ids = sorted({child.parent_run_id for child in children.values() if child.parent_run_id})
    if not ids:
        return {}
    visible = list(connections.order_by().values_list("pk", flat=True))
    holders: dict[tuple[UUID, str], set[UUID]] = {}
    for connection_id, run_id, job_name in holders_of(ids, visible):
        holders.setdefault((run_id, job_name), set()).add(connection_id)
    only = {name: next(iter(found)) for name, found in holders.items() if len(found) == 1}
    keys = {
        key: (only[child.parent_run_id, child.parent_job_name], child.parent_run_id)
        for key, child in children.items()
        if child.parent_run_id and (child.parent_run_id, child.parent_job_name) in only
    }
    rows = _rows(set(keys.values()))
    best = {key: _best(rows.get(parent, []), children[key].parent_job_name) for key, parent in keys.items()}
    return {key: row for key, row in best.items() if row is not None}


def _best(rows: Sequence[_Row], job_name: str) -> _Row | None:
    """Return the run of the job with this name, else any; of several instances the one that ends last."""
    named = [row for row in rows if row.job_name == job_name] or rows
    return max(named, key=lambda row: (row.finished_at is None, row.silent_since, row.id), default=None)


def _rows(names: "set[Named]") -> dict[Named, list[_Row]]:
    if not names:
        return {}
    connection_ids, run_ids = (list(column) for column in zip(*sorted(names), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_RUNS, [connection_ids, run_ids])
        rows = [_Row(*row) for row in cursor.fetchall()]
    found: dict[Named, list[_Row]] = {}
    for row in rows:
        found.setdefault((row.connection_id, row.run_id), []).append(row)
    return found
