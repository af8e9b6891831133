"""Reads of what is shown of the jobs and datasets of a graph, each in one statement."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from lineage.database.bodies import decompress
from lineage.events.column_lineage import Columns, columns_of_content
from lineage.events.effects import DATA
from lineage.graph.impact import Writer
from lineage.graph.reading import read_rows

# Writers of one dataset, and runs of one writer, among which the last write is looked for.
_WRITERS: Final = 20
_RUNS: Final = 50
# Checks of a dataset among which those of the latest run, and of the runs beside it, are counted.
_CHECKS: Final = 500

_DATASETS: Final = """
SELECT dataset.id, min(dataset.namespace), min(dataset.name), bool_or(dataset.described),
    array_agg(dataset.connection_id ORDER BY dataset.connection_id)
FROM lineage_dataset AS dataset
WHERE dataset.id = ANY(%(ids)s) AND dataset.connection_id = ANY(%(connections)s)
GROUP BY dataset.id
"""
_JOBS: Final = """
SELECT job.id, job.connection_id, job.namespace, job.name, job.kind, job.integration, job.latest_run_state,
    job.latest_run_sent_id, job.latest_run_at, job.latest_run_ended_at, job.parent_job_name
FROM unnest(%(of)s::uuid[], %(ids)s::uuid[]) AS wanted (connection_id, id)
JOIN lineage_job AS job ON job.connection_id = wanted.connection_id AND job.id = wanted.id
"""
# OFFSET makes PostgreSQL look into an index for each dataset.
_WRITES: Final = f"""
SELECT wanted.id, max(written.at)
FROM unnest(%(ids)s::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT one.id, one.connection_id, one.job_id FROM lineage_edge AS one
    WHERE one.dataset_id = wanted.id AND one.direction = 'WRITES' AND one.connection_id = ANY(%(connections)s)
        AND one.effects & {DATA} <> 0
    ORDER BY one.last_event_hour DESC, one.id LIMIT {_WRITERS}
) AS edge
CROSS JOIN LATERAL (
    SELECT run.shown_ended_at AS at FROM (
        SELECT * FROM lineage_run AS one
        WHERE one.connection_id = edge.connection_id AND one.job_id = edge.job_id AND one.edge_ids <> '{{}}'
            AND one.run_at <= %(at)s
        ORDER BY one.run_at DESC, one.id DESC LIMIT {_RUNS}
    ) AS run
    WHERE run.shown_state = 'COMPLETED' AND edge.id = ANY(run.edge_ids) LIMIT 1
) AS written
GROUP BY wanted.id
"""  # noqa: S608 - made of constants
# Some senders run each test by itself, under one parent run.
_RESULTS: Final = f"""
SELECT wanted.id, measured.row_count, checked.failed, checked.count
FROM unnest(%(ids)s::uuid[]) AS wanted (id)
LEFT JOIN LATERAL (
    SELECT measure.row_count FROM lineage_measure AS measure
    WHERE measure.dataset_id = wanted.id AND measure.direction = 'WRITES' AND measure.said_at <= %(at)s
        AND measure.connection_id = ANY(%(connections)s)
    ORDER BY measure.said_at DESC LIMIT 1
) AS measured ON true
LEFT JOIN LATERAL (
    SELECT one.connection_id, one.run_id, run.parent_run_id FROM lineage_check AS one
    LEFT JOIN lineage_run AS run ON run.connection_id = one.connection_id AND run.id = one.run_id
    WHERE one.dataset_id = wanted.id AND one.said_at <= %(at)s AND one.connection_id = ANY(%(connections)s)
    ORDER BY one.said_at DESC, one.id LIMIT 1
) AS latest ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS count,
        count(*) FILTER (WHERE one.failed AND lower(one.severity) NOT IN ('warn', 'warning')) AS failed
    FROM (
        SELECT * FROM lineage_check AS recent
        WHERE recent.dataset_id = wanted.id AND recent.said_at <= %(at)s
            AND recent.connection_id = latest.connection_id
        ORDER BY recent.said_at DESC, recent.id LIMIT {_CHECKS}
    ) AS one
    LEFT JOIN lineage_run AS run ON run.connection_id = one.connection_id AND run.id = one.run_id
    WHERE one.run_id = latest.run_id OR run.parent_run_id = latest.parent_run_id
) AS checked ON true
"""  # noqa: S608 - made of constants
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
# The latest change that is no mere use of the dataset; it counts when its run completed, or without a run.
_DROPS: Final = """
SELECT DISTINCT ON (change.dataset_id) change.dataset_id, change.change, change.at
FROM lineage_change AS change
LEFT JOIN lineage_run AS run ON run.connection_id = change.connection_id AND run.id = change.run_id
WHERE change.dataset_id = ANY(%(ids)s) AND change.connection_id = ANY(%(connections)s) AND change.at <= %(at)s
    AND (run.id IS NULL OR run.shown_state = 'COMPLETED')
ORDER BY change.dataset_id, change.at DESC
"""


class DatasetDetails(NamedTuple):
    """`described`: False if events say no more than its name and where it is."""

    id: UUID
    namespace: str
    name: str
    described: bool
    connection_ids: list[UUID]


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


class Results(NamedTuple):
    """Rows after the last write, and how many checks failed in the latest run that checked and in those beside it. A
    check that only warns does not fail. None: not reported."""

    rows: int | None = None
    failed_checks: int | None = None
    checks: int | None = None


NO_RESULTS: Final = Results()


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

    def last_writes(self, ids: Collection[UUID]) -> dict[UUID, datetime]:
        """Read the end of the latest completed run that wrote each dataset."""
        return {id_: at for id_, at in self._rows(_WRITES, ids) if at is not None}

    def results(self, ids: Collection[UUID]) -> dict[UUID, Results]:
        return {id_: Results(rows, failed, count or None) for id_, rows, failed, count in self._rows(_RESULTS, ids)}

    def columns(self, edge_ids: Collection[UUID]) -> dict[UUID, Columns]:
        """Read the sources of the columns that are written through these edges."""
        rows = ((id_, decompress(body)) for id_, body in self._rows(_COLUMNS, edge_ids))
        return {id_: columns_of_content(content) for id_, content in rows if content}

    def drops(self, ids: Collection[UUID]) -> dict[UUID, datetime]:
        """Read when each dataset was dropped, of those whose last change that is."""
        return {id_: at for id_, change, at in self._rows(_DROPS, ids) if change == "DROP"}

    def _rows(self, statement: str, ids: Collection[UUID], **more: Any) -> list[tuple[Any, ...]]:
        if not ids:
            return []
        return read_rows(statement, {**self._bound, "ids": list(ids), **more})
