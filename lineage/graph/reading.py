"""Reads of the graph: each for a set of datasets or jobs, in one statement."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.conf import settings

from lineage.database.bodies import decompress
from lineage.database.reading import read_rows
from lineage.datasets.aliases import OF_REACHED, REACHED, Names, Reached, names_of
from lineage.datasets.changes import TOOK_PLACE
from lineage.edges.rounds import IS_IN_USE, NEWEST_RUN, read_rounds
from lineage.edges.uses import READS, WRITES, Round, StoredEdge
from lineage.events.explicit_lineage import Explicit, explicit_of_content

# Edges of one dataset, and of one job, that are followed, the latest first.
MOST_EDGES: Final = 200
MOST_EDGES_OF_JOB: Final = 500
# Neighbours are counted up to here.
MOST_COUNTED: Final = 1000

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
    LEFT JOIN LATERAL ({NEWEST_RUN.format(of="edge")}) AS newest ON true
    WHERE {IS_IN_USE}
) AS neighbours
"""  # noqa: S608 - made of constants

_NAMES: Final = f"""
WITH RECURSIVE {REACHED}, renamed AS (
    SELECT change.previous_id, change.dataset_id FROM lineage_change AS change
    WHERE (change.dataset_id = ANY(%(datasets)s) OR change.previous_id = ANY(%(datasets)s))
        AND change.change = 'RENAME' AND change.previous_id IS NOT NULL AND change.at <= %(at)s
        AND change.connection_id = ANY(%(connections)s) AND {TOOK_PLACE}
), derived AS (
    SELECT relation.source_id, relation.target_id FROM lineage_relation AS relation
    WHERE (relation.source_id = ANY(%(datasets)s) OR relation.target_id = ANY(%(datasets)s))
        AND relation.kind = 'DERIVED' AND relation.first_event_hour <= %(at)s
        AND relation.connection_id = ANY(%(connections)s)
)
{OF_REACHED}
UNION
SELECT previous_id, dataset_id, '', -1 FROM renamed
UNION
SELECT source_id, target_id, '', -2 FROM derived
ORDER BY 4, 1, 2
"""  # noqa: S608 - made of constants
_RENAMED: Final = -1
_DERIVED: Final = -2

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


class Known(NamedTuple):
    """Names of datasets, by the dataset; pairs of datasets (before, after) that were renamed; and pairs (source,
    target) of which an event says that the one is made of the other, perhaps not any more."""

    names: dict[UUID, Names]
    renames: list[tuple[UUID, UUID]]
    derived: list[tuple[UUID, UUID]]


class Reads:
    """Reads of one question: of the connections that may be seen, up to a moment."""

    def __init__(self, connection_ids: Collection[UUID], at: datetime) -> None:
        self._at = at
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
        return read_rounds(jobs, at=self._at)

    def counts(self, datasets: Collection[UUID], *, varying: bool) -> dict[tuple[UUID, str], int]:
        """Count the jobs that read, and that write, each dataset: MOST_COUNTED at most."""
        wanted = [(id_, direction) for id_ in datasets for direction in (READS, WRITES)]
        ids, directions = _columns(wanted)
        rows = self._rows(_COUNTS, datasets=ids, directions=directions, varying=varying)
        return {(id_, direction): count for id_, direction, count in rows}

    def names(self, datasets: Collection[UUID]) -> Known:
        """Read the names of datasets, renames from and to them, and what is derived from them or they from it."""
        rows = [Reached(*row) for row in self._rows(_NAMES, datasets=list(datasets))]
        return Known(
            names_of(one for one in rows if one.hops >= 0),
            [(one.start, one.id) for one in rows if one.hops == _RENAMED],
            [(one.start, one.id) for one in rows if one.hops == _DERIVED],
        )

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
