"""Folds the new events of one digest into the rows that they are about: one row per key, sorted by key."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from lineage.events import DatasetReference, Event, JobFacts
from lineage.events.identity import dataset_id, edge_id, job_id
from lineage.projection.runs import RunRow, run_row

Row = tuple[Any, ...]
Key = tuple[UUID, UUID]  # connection id, id
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
_NO_RUN = UUID(int=0)


@dataclass(slots=True)
class Rows:
    jobs: dict[Key, Row] = field(default_factory=dict)
    descriptions: dict[Key, Row] = field(default_factory=dict)
    runs: dict[Key, RunRow] = field(default_factory=dict)
    datasets: dict[Key, Row] = field(default_factory=dict)
    edges: dict[Key, Row] = field(default_factory=dict)


def fold(events: Iterable[tuple[UUID, Event]]) -> Rows:
    """`events`: (connection id, event)."""
    rows = Rows()
    for connection_id, event in events:
        job = _add_job(rows, connection_id, event.job, event.event_time) if event.job else None
        if event.run and job:
            _add_run(rows, run_row(connection_id, job, event, event.run))
        for dataset in event.datasets:
            _add_dataset(rows, connection_id, dataset)
            if job and dataset.direction:
                _add_edge(rows, connection_id, job, dataset, event)
    return rows


def ordered(rows: dict[Key, Row]) -> list[Row]:
    """By key. Writers that lock rows in one order cannot deadlock."""
    return [rows[key] for key in sorted(rows)]


def _add_job(rows: Rows, connection_id: UUID, job: JobFacts, time: datetime) -> UUID:
    id_ = job_id(connection_id, job.namespace, job.name)
    key = (connection_id, id_)
    rows.jobs[key] = (connection_id, id_, job.namespace, job.name)
    described_at = time if job.declared else None
    said = (connection_id, id_, described_at, job.integration, job.kind, job.processing_type)
    known = rows.descriptions.get(key)
    if known is None or _description_key(said) > _description_key(known):
        rows.descriptions[key] = said
    return id_


def _description_key(row: Row) -> Row:
    return (row[2] or _BEFORE_ALL, *row[3:])


def _add_run(rows: Rows, row: RunRow) -> None:
    known = rows.runs.setdefault((row.connection_id, row.id), row)
    if known is not row:
        known.merge(row)


def _add_dataset(rows: Rows, connection_id: UUID, dataset: DatasetReference) -> None:
    id_ = dataset_id(dataset.namespace, dataset.name)
    known = rows.datasets.get((connection_id, id_))
    described = dataset.described or bool(known and known[4])
    rows.datasets[connection_id, id_] = (connection_id, id_, dataset.namespace, dataset.name, described)


def _add_edge(rows: Rows, connection_id: UUID, job: UUID, dataset: DatasetReference, event: Event) -> None:
    dataset_id_ = dataset_id(dataset.namespace, dataset.name)
    direction = dataset.direction or ""
    id_ = edge_id(job, dataset_id_, direction)
    first, last, run = event.event_time, event.event_time, event.run.id if event.run else None
    known = rows.edges.get((connection_id, id_))
    if known is not None:
        first = min(first, known[5])
        last, run = max((last, run), (known[6], known[7]), key=_last_run_key)
    rows.edges[connection_id, id_] = (connection_id, id_, job, dataset_id_, direction, first, last, run)


def _last_run_key(last: tuple[datetime, UUID | None]) -> tuple[Any, ...]:
    return (last[0], last[1] or _NO_RUN)
