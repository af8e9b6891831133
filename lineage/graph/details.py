"""Reads of what is shown of the jobs and datasets of a graph, each in one statement."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from lineage.database.bodies import decompress
from lineage.database.reading import read_rows
from lineage.events.column_lineage import Columns, columns_of_content
from lineage.events.effects import DATA
from lineage.graph.impact import Writer

# Runs of one writer among which its last completed one is looked for.
_RUNS: Final = 50

_DATASETS: Final = f"""
SELECT dataset.id, min(dataset.namespace), min(dataset.name), bool_or(dataset.described),
    array_agg(dataset.connection_id ORDER BY dataset.connection_id),
    EXISTS (
        SELECT FROM lineage_edge AS edge
        WHERE edge.dataset_id = dataset.id AND edge.direction = 'WRITES' AND edge.connection_id = ANY(%(connections)s)
            AND edge.effects & {DATA} <> 0
        OFFSET 0
    )
FROM lineage_dataset AS dataset
WHERE dataset.id = ANY(%(ids)s) AND dataset.connection_id = ANY(%(connections)s)
GROUP BY dataset.id
"""  # noqa: S608 - made of constants
_JOBS: Final = """
SELECT job.id, job.connection_id, job.namespace, job.name, job.kind, job.integration, job.latest_run_state,
    job.latest_run_sent_id, job.latest_run_at, job.latest_run_ended_at, job.parent_job_name
FROM unnest(%(of)s::uuid[], %(ids)s::uuid[]) AS wanted (connection_id, id)
JOIN lineage_job AS job ON job.connection_id = wanted.connection_id AND job.id = wanted.id
"""
# Runs among which the last completed one, and the first failure after it, are looked for.
_WRITERS_RUNS: Final = f"""
SELECT wanted.id, recent.completed_at, recent.ended_at, (
    SELECT min(failed_at) FROM unnest(recent.failures) AS failed_at
    WHERE recent.completed_at IS NULL OR failed_at > recent.completed_at
)
FROM unnest(%(of)s::uuid[], %(ids)s::uuid[]) AS wanted (connection_id, id)
CROSS JOIN LATERAL (
    SELECT max(run.run_at) FILTER (WHERE run.shown_state = 'COMPLETED') AS completed_at,
        (array_agg(run.shown_ended_at ORDER BY run.run_at DESC, run.id DESC)
            FILTER (WHERE run.shown_state = 'COMPLETED'))[1] AS ended_at,
        array_agg(run.run_at) FILTER (WHERE run.shown_state IN ('FAILED', 'LOST')) AS failures
    FROM (
        SELECT * FROM lineage_run AS one
        WHERE one.connection_id = wanted.connection_id AND one.job_id = wanted.id AND NOT one.is_hidden
            AND one.run_at <= %(at)s
        ORDER BY one.run_at DESC, one.id DESC LIMIT {_RUNS}
    ) AS run
) AS recent
"""  # noqa: S608 - made of constants
_COLUMNS: Final = """
SELECT wanted.id, content.body
FROM unnest(%(ids)s::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT fact.connection_id, fact.content_id FROM lineage_fact AS fact
    WHERE fact.subject_id = wanted.id AND fact.kind = 'columns' AND fact.connection_id = ANY(%(connections)s)
        AND fact.first_at <= %(at)s
    ORDER BY fact.last_hour DESC, fact.first_at DESC, fact.content_id DESC LIMIT 1
) AS fact
JOIN lineage_content AS content ON content.connection_id = fact.connection_id AND content.id = fact.content_id
"""


class DatasetDetails(NamedTuple):
    """`described`: False if events say no more than its name and where it is. `is_written`: some job wrote it."""

    id: UUID
    namespace: str
    name: str
    described: bool
    connection_ids: list[UUID]
    is_written: bool


class JobDetails(NamedTuple):
    id: UUID
    connection_id: UUID
    namespace: str
    name: str
    kind: str
    integration: str
    state: str | None
    run_id: UUID | None
    run_at: datetime | None
    ended_at: datetime | None
    parent_name: str


class Details:
    """Reads for one graph: of the connections that may be seen, up to a moment."""

    def __init__(self, connection_ids: Collection[UUID], at: datetime) -> None:
        self._bound: dict[str, Any] = {"connections": list(connection_ids), "at": at}

    def datasets(self, ids: Collection[UUID]) -> dict[UUID, DatasetDetails]:
        return {row[0]: DatasetDetails(*row) for row in self._rows(_DATASETS, ids)}

    def jobs(self, jobs: Collection[tuple[UUID, UUID]]) -> dict[UUID, JobDetails]:
        """`jobs`: (connection id, job id)."""
        rows = self._rows(_JOBS, [job for _, job in jobs], of=[of for of, _ in jobs])
        return {row[0]: JobDetails(*row) for row in rows}

    def writers(self, jobs: Collection[tuple[UUID, UUID]]) -> dict[UUID, Writer]:
        """Read when each job last completed, and failed after that. `jobs`: (connection id, job id)."""
        rows = self._rows(_WRITERS_RUNS, [job for _, job in jobs], of=[of for of, _ in jobs])
        return {id_: Writer(*times) for id_, *times in rows}

    def columns(self, edge_ids: Collection[UUID]) -> dict[UUID, Columns]:
        """Read the sources of the columns that are written through these edges."""
        rows = ((id_, decompress(body)) for id_, body in self._rows(_COLUMNS, edge_ids))
        return {id_: columns_of_content(content) for id_, content in rows if content}

    def _rows(self, statement: str, ids: Collection[UUID], **more: Any) -> list[tuple[Any, ...]]:
        if not ids:
            return []
        return read_rows(statement, {**self._bound, "ids": list(ids), **more})
