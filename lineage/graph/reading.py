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
from lineage.datasets.likeness import OF_NO_TABLE, read_partitions
from lineage.edges.rounds import NEWEST_RUN, read_rounds
from lineage.edges.uses import Round, StoredEdge
from lineage.events.explicit_lineage import Explicit, explicit_of_content

# Edges of one dataset, and of one job, that are followed, the latest first.
MOST_EDGES: Final = 200
MOST_EDGES_OF_JOB: Final = 500

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

# Between a model and the task of a DAG that runs it there are two or three steps. A run without one of the same name in
# its own connection may have its parent in another one, where a job has the name that it gives.
_MOST_STEPS: Final = 4
_ABOVE: Final = f"""
WITH RECURSIVE above (start, job_id, connection_id, run_id, job_name, steps) AS (
    SELECT wanted.job_id, wanted.job_id, wanted.connection_id, newest.parent_run_id, newest.parent_job_name, 0
    FROM unnest(%(of)s::uuid[], %(jobs)s::uuid[]) AS wanted (connection_id, job_id)
    CROSS JOIN LATERAL ({NEWEST_RUN.format(of="wanted")}) AS newest
    WHERE newest.parent_run_id <> newest.run_id
    UNION
    SELECT above.start, parent.job_id, parent.connection_id, parent.parent_run_id, parent.parent_job_name,
        above.steps + 1
    FROM above CROSS JOIN LATERAL (
        SELECT run.* FROM lineage_run AS run
        JOIN lineage_job AS job ON job.connection_id = run.connection_id AND job.id = run.job_id
        WHERE run.connection_id = ANY(%(connections)s) AND run.run_id = above.run_id AND run.joined_in IS NULL
            AND (run.connection_id = above.connection_id OR job.name = above.job_name)
    ) AS parent
    WHERE above.steps < {_MOST_STEPS}
)
SELECT start, connection_id, job_id, min(steps) FROM above WHERE steps > 0 GROUP BY start, connection_id, job_id
"""  # noqa: S608 - made of constants
# Of the names that one statement reads: how they belong to the dataset from which it starts.
_NAME, _RENAMED, _DERIVED, _BASE = "name", "renamed", "derived", "base"
# The base is that of a dataset with partitions, or of a partition beside others.
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
), based AS (
    SELECT wanted.id, COALESCE(one.base_id, wanted.id) AS base_id
    FROM unnest(%(datasets)s::uuid[]) AS wanted (id)
    LEFT JOIN LATERAL (
        SELECT dataset.id, dataset.base_id FROM lineage_dataset AS dataset
        WHERE dataset.id = wanted.id AND dataset.connection_id = ANY(%(connections)s) LIMIT 1
    ) AS one ON true
    WHERE one.id IS NULL OR {OF_NO_TABLE}
)
SELECT '{_NAME}', named.* FROM ({OF_REACHED}) AS named
UNION ALL
SELECT DISTINCT '{_RENAMED}', previous_id, dataset_id, '', 0 FROM renamed
UNION ALL
SELECT DISTINCT '{_DERIVED}', source_id, target_id, '', 0 FROM derived
UNION ALL
SELECT '{_BASE}', based.id, based.base_id, '', 0 FROM based
WHERE EXISTS (
    SELECT FROM lineage_dataset AS one
    WHERE one.base_id = based.base_id AND one.id <> based.id AND one.connection_id = ANY(%(connections)s)
        AND {OF_NO_TABLE}
    OFFSET 0
)
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


class FoundNames(NamedTuple):
    """Names of datasets, by the dataset; renames (before, after) from and to them; pairs (source, target) of which an
    event says that the one is made of the other, perhaps not any more; and the bases of those that are partitions
    beside others, or have partitions."""

    names: dict[UUID, Names]
    renames: list[tuple[UUID, UUID]]
    derived: list[tuple[UUID, UUID]]
    bases: dict[UUID, UUID]


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

    def above(self, jobs: Iterable[tuple[UUID, UUID]]) -> list[tuple[UUID, UUID, UUID, int]]:
        """Read the jobs whose runs started the latest run of each job that names a dataset: (job, connection id and id
        of the job above, steps to it). `jobs`: (connection id, job id)."""
        connections, ids = _columns(jobs)
        rows = self._rows(_ABOVE, of=connections, jobs=ids) if ids else []
        return [(start, connection_id, job, steps) for start, connection_id, job, steps in rows]

    def names(self, datasets: Collection[UUID]) -> FoundNames:
        """Read the names of datasets, what they were renamed from and to, what is derived from them or they from it,
        and their bases."""
        found: dict[str, list[Reached]] = {_NAME: [], _RENAMED: [], _DERIVED: [], _BASE: []}
        for belongs, *row in self._rows(_NAMES, datasets=sorted(datasets)):
            found[belongs].append(Reached(*row))
        renames, derived = (sorted((one.start, one.id) for one in found[how]) for how in (_RENAMED, _DERIVED))
        return FoundNames(names_of(found[_NAME]), renames, derived, {one.start: one.id for one in found[_BASE]})

    def partitions(self, base_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
        return read_partitions(base_ids, self._bound["connections"])

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
