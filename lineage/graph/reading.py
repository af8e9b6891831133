"""Reads of the graph: each for a set of datasets or jobs, in one statement."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connection

from lineage.database.bodies import decompress
from lineage.events.effects import DATA, IMPLIED
from lineage.events.explicit_lineage import Explicit, explicit_of_content
from lineage.graph.uses import READS, VARYING, WRITES, Round, StoredEdge

# Edges of one dataset, and of one job, that are followed, the latest first.
MOST_EDGES: Final = 200
MOST_EDGES_OF_JOB: Final = 500
# Runs of one round: instances of a mapped task, and retries.
_MOST_RUNS: Final = 1000
# Neighbours are counted up to here.
MOST_COUNTED: Final = 1000
NIL: Final = UUID(int=0)
# A name may lead to another one, and that to a third.
_HOPS: Final = 3
_MOST_NAMES: Final = 16

_EDGE: Final = ", ".join(f"edge.{name}" for name in StoredEdge._fields)
_EDGES_OF_DATASETS: Final = f"""
SELECT {_EDGE}
FROM unnest(%(datasets)s::uuid[], %(directions)s::text[]) AS wanted (dataset_id, direction)
CROSS JOIN LATERAL (
    SELECT * FROM lineage_edge AS one
    WHERE one.dataset_id = wanted.dataset_id AND one.direction = wanted.direction
        AND one.connection_id = ANY(%(connections)s) AND one.first_event_hour <= %(at)s
    ORDER BY one.last_event_hour DESC, one.id LIMIT {MOST_EDGES}
) AS edge
"""  # noqa: S608 - made of constants
_EDGES_OF_JOBS: Final = f"""
SELECT {_EDGE}
FROM unnest(%(of)s::uuid[], %(jobs)s::uuid[]) AS wanted (connection_id, job_id)
CROSS JOIN LATERAL (
    SELECT * FROM lineage_edge AS one
    WHERE one.connection_id = wanted.connection_id AND one.job_id = wanted.job_id AND one.first_event_hour <= %(at)s
    ORDER BY one.last_event_hour DESC, one.id LIMIT {MOST_EDGES_OF_JOB}
) AS edge
"""  # noqa: S608 - made of constants
_EDGES_BY_ID: Final = f"""
SELECT {_EDGE} FROM lineage_edge AS edge WHERE edge.connection_id = %(connection)s AND edge.id = ANY(%(ids)s)
"""  # noqa: S608 - made of constants

NEWEST: Final = """
    SELECT run.id, run.run_at, run.parent_run_id, run.edge_ids, run.joined_in FROM lineage_run AS run
    WHERE run.connection_id = {of}.connection_id AND run.job_id = {of}.job_id AND run.edge_ids <> '{{}}'
        AND run.run_at <= %(at)s
    ORDER BY run.run_at DESC, run.id DESC LIMIT 1
"""
_ROUNDS: Final = f"""
SELECT wanted.job_id, COALESCE(joined.job_id, wanted.job_id), newest.run_at,
    CASE WHEN joined.id IS NOT NULL THEN joined.edge_ids
        ELSE COALESCE(siblings.edge_ids, newest.edge_ids, '{{}}') END,
    job.declared_at
FROM unnest(%(of)s::uuid[], %(jobs)s::uuid[]) AS wanted (connection_id, job_id)
JOIN lineage_job AS job ON job.connection_id = wanted.connection_id AND job.id = wanted.job_id
LEFT JOIN LATERAL ({NEWEST.format(of="wanted")}) AS newest ON true
LEFT JOIN LATERAL (
    SELECT run.id, run.job_id, run.edge_ids FROM lineage_run AS run
    WHERE run.connection_id = wanted.connection_id AND run.id = newest.joined_in
) AS joined ON newest.joined_in IS NOT NULL
LEFT JOIN LATERAL (
    SELECT array_agg(DISTINCT named.id) AS edge_ids
    FROM (
        SELECT run.edge_ids FROM lineage_run AS run
        WHERE run.connection_id = wanted.connection_id AND run.parent_run_id = newest.parent_run_id
            AND run.job_id = wanted.job_id AND run.run_at <= %(at)s
        LIMIT {_MOST_RUNS}
    ) AS run
    CROSS JOIN LATERAL unnest(run.edge_ids) AS named (id)
) AS siblings ON newest.parent_run_id IS NOT NULL
"""  # noqa: S608 - made of constants

# A job that writes without moving data, such as one that drops the dataset, does not count.
_COUNTS: Final = f"""
SELECT wanted.dataset_id, wanted.direction, neighbours.count
FROM unnest(%(datasets)s::uuid[], %(directions)s::text[]) AS wanted (dataset_id, direction)
CROSS JOIN LATERAL (
    SELECT count(DISTINCT edge.job_id) FROM (
        SELECT * FROM lineage_edge AS one
        WHERE one.dataset_id = wanted.dataset_id AND one.direction = wanted.direction
            AND one.connection_id = ANY(%(connections)s) AND one.first_event_hour <= %(at)s
        LIMIT {MOST_COUNTED}
    ) AS edge
    JOIN lineage_job AS job ON job.connection_id = edge.connection_id AND job.id = edge.job_id
    LEFT JOIN LATERAL ({NEWEST.format(of="edge")}) AS newest ON true
    WHERE (edge.direction = '{READS}' OR edge.effects & {DATA | IMPLIED} <> 0) AND newest.joined_in IS NULL AND (
        edge.declared_at = job.declared_at
        OR edge.id = ANY(newest.edge_ids)
        OR (%(varying)s AND edge.last_event_hour >= newest.run_at - interval '{VARYING.days} days')
    )
) AS neighbours
"""  # noqa: S608 - made of constants

_NAMES: Final = f"""
WITH RECURSIVE named (start, id, kind, hops) AS (
    SELECT wanted.id, wanted.id, '' COLLATE "C", 0 FROM unnest(%(datasets)s::uuid[]) AS wanted (id)
    UNION
    SELECT named.start, other.id, other.kind, named.hops + 1
    FROM named CROSS JOIN LATERAL (
        (SELECT alias.alias_id AS id, alias.kind FROM lineage_alias AS alias
         WHERE alias.dataset_id = named.id AND alias.connection_id = ANY(%(connections)s) LIMIT {_MOST_NAMES})
        UNION ALL
        (SELECT alias.dataset_id, '' FROM lineage_alias AS alias
         WHERE alias.alias_id = named.id AND alias.connection_id = ANY(%(connections)s) LIMIT {_MOST_NAMES})
    ) AS other
    WHERE named.hops < {_HOPS}
), renamed AS (
    -- A rename counts when its run completed, or without a run.
    SELECT change.previous_id, change.dataset_id FROM lineage_change AS change
    WHERE (change.dataset_id = ANY(%(datasets)s) OR change.previous_id = ANY(%(datasets)s))
        AND change.change = 'RENAME' AND change.previous_id IS NOT NULL AND change.at <= %(at)s
        AND change.connection_id = ANY(%(connections)s)
        AND (change.run_id = '{NIL}' OR EXISTS (
            SELECT FROM lineage_run AS run
            WHERE run.connection_id = change.connection_id AND run.id = change.run_id AND run.shown_state = 'COMPLETED'
            OFFSET 0
        ))
), derived AS (
    SELECT relation.source_id, relation.target_id FROM lineage_relation AS relation
    WHERE (relation.source_id = ANY(%(datasets)s) OR relation.target_id = ANY(%(datasets)s))
        AND relation.kind = 'DERIVED' AND relation.first_event_hour <= %(at)s
        AND relation.connection_id = ANY(%(connections)s)
)
SELECT start, id, max(kind), 'name' FROM named GROUP BY start, id
UNION
SELECT previous_id, dataset_id, '', 'renamed' FROM renamed
UNION
SELECT source_id, target_id, '', 'derived' FROM derived
ORDER BY 4, 1, 2
"""  # noqa: S608 - made of constants

_EXPLICIT: Final = """
SELECT wanted.id, content.body
FROM unnest(%(ids)s::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT fact.connection_id, fact.content_id FROM lineage_fact AS fact
    WHERE fact.subject_id = wanted.id AND fact.kind = 'lineage' AND fact.connection_id = ANY(%(connections)s)
        AND fact.first_at <= %(at)s
    ORDER BY fact.last_hour DESC, fact.first_at DESC, fact.content_id DESC LIMIT 1
) AS fact
JOIN lineage_content AS content ON content.connection_id = fact.connection_id AND content.id = fact.content_id
"""


class OtherName(NamedTuple):
    """Dataset `id` is another name of `start`, or `start` was renamed to it, or it is derived from `start`, perhaps not
    any more. `kind`: type that events give the name, such as TABLE."""

    start: UUID
    id: UUID
    kind: str
    how: Literal["name", "renamed", "derived"]


def read_rows(statement: str, bound: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Execute a statement, with results in PostgreSQL's binary form: reading times from text takes longer than a walk
    does otherwise."""
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, bound, prepare=True, binary=True)
        return list(cursor.fetchall())


class Reads:
    """Reads of one question: of the connections that may be seen, up to a moment."""

    def __init__(self, connection_ids: Collection[UUID], at: datetime) -> None:
        self._bound: dict[str, Any] = {"connections": list(connection_ids), "at": at}

    def edges_of_datasets(self, wanted: Iterable[tuple[UUID, str]]) -> list[StoredEdge]:
        """Read the latest edges of datasets. `wanted`: (dataset id, direction)."""
        datasets, directions = _columns(wanted)
        rows = self._rows(_EDGES_OF_DATASETS, datasets=datasets, directions=directions)
        return [StoredEdge(*row) for row in rows]

    def edges_of_jobs(self, jobs: Iterable[tuple[UUID, UUID]]) -> list[StoredEdge]:
        """Read the latest edges of jobs. `jobs`: (connection id, job id)."""
        connections, ids = _columns(jobs)
        return [StoredEdge(*row) for row in self._rows(_EDGES_OF_JOBS, of=connections, jobs=ids)]

    def edges(self, connection_id: UUID, ids: Collection[UUID]) -> list[StoredEdge]:
        return [StoredEdge(*row) for row in self._rows(_EDGES_BY_ID, connection=connection_id, ids=list(ids))]

    def rounds(self, jobs: Iterable[tuple[UUID, UUID]]) -> dict[UUID, Round]:
        """Read the latest round of each job. `jobs`: (connection id, job id)."""
        connections, ids = _columns(jobs)
        rows = self._rows(_ROUNDS, of=connections, jobs=ids)
        return {job: Round(shown, run_at, frozenset(edges), declared) for job, shown, run_at, edges, declared in rows}

    def counts(self, datasets: Collection[UUID], *, varying: bool) -> dict[tuple[UUID, str], int]:
        """Count the jobs that read, and that write, each dataset: MOST_COUNTED at most."""
        wanted = [(id_, direction) for id_ in datasets for direction in (READS, WRITES)]
        ids, directions = _columns(wanted)
        rows = self._rows(_COUNTS, datasets=ids, directions=directions, varying=varying)
        return {(id_, direction): count for id_, direction, count in rows}

    def names(self, datasets: Collection[UUID]) -> list[OtherName]:
        """Read the other names of datasets, each dataset itself, renames from and to them, and what is derived."""
        return [OtherName(*row) for row in self._rows(_NAMES, datasets=list(datasets))]

    def explicit(self, ids: Collection[UUID]) -> dict[UUID, Explicit]:
        """Read the explicit lineage of what edges write, and of datasets. Nothing if EXPLICIT_LINEAGE is off."""
        if not ids or not settings.EXPLICIT_LINEAGE:
            return {}
        return {id_: explicit_of_content(decompress(body)) for id_, body in self._rows(_EXPLICIT, ids=sorted(ids))}

    def _rows(self, statement: str, **more: Any) -> list[tuple[Any, ...]]:
        return read_rows(statement, {**self._bound, **more})


def _columns(rows: Iterable[tuple[Any, Any]]) -> tuple[list[Any], list[Any]]:
    pairs = sorted(rows)
    return [one for one, _ in pairs], [other for _, other in pairs]
