"""Folds the new events of one digest into the rows that they are about: one row per key, sorted by key."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from lineage.events import DatasetReference, Event, JobFacts
from lineage.events.dbt import is_of_dbt
from lineage.events.identity import dataset_id, edge_id, job_id
from lineage.projection.descriptions import Description, description, merged
from lineage.projection.runs import RunRow, run_row
from lineage.projection.told import stand_ins

Row = tuple[Any, ...]
Key = tuple[UUID, UUID]  # connection id, id
_NO_EDGES: frozenset[UUID] = frozenset()


@dataclass(slots=True)
class Rows:
    jobs: dict[Key, Row] = field(default_factory=dict)
    # Of each of the jobs.
    descriptions: dict[Key, Description] = field(default_factory=dict)
    runs: dict[Key, RunRow] = field(default_factory=dict)
    datasets: dict[Key, Row] = field(default_factory=dict)
    edges: dict[Key, Row] = field(default_factory=dict)
    # Of the jobs, those that may have runs of dbt's, or of a DAG: what is asked about them costs more. And what ended
    # of which others may wait, to be in doubt no longer: (connection id, invocation id, job id).
    of_dbt: set[Key] = field(default_factory=set)
    ended: set[tuple[UUID, UUID, UUID]] = field(default_factory=set)


def fold(events: Iterable[tuple[UUID, Event]]) -> Rows:
    """`events`: (connection id, event)."""
    rows = Rows()
    for connection_id, event in events:
        job = _add_job(rows, connection_id, event.job, event.event_time) if event.job else None
        if job and (is_of_dbt(event.job) or (event.run and event.run.invocation_id)):
            rows.of_dbt.add((connection_id, job))
        edges = _add_datasets(rows, connection_id, job, event)
        if event.run and event.job and job:
            row = run_row(connection_id, job, event, event.run, edges)
            _add_run(rows, row)
            if event.run.settles_others and row.invocation_id:
                _note_end(rows, row, row.invocation_id)
            for told, stand_in in stand_ins(connection_id, event, event.job, event.run) if event.run.told else ():
                _add_job(rows, connection_id, told, event.event_time)
                _add_run(rows, stand_in)
    return rows


def ordered(rows: dict[Key, Row]) -> list[Row]:
    """By key. Writers that lock rows in one order cannot deadlock."""
    return [rows[key] for key in sorted(rows)]


def _add_job(rows: Rows, connection_id: UUID, job: JobFacts, time: datetime) -> UUID:
    id_ = job_id(connection_id, job.namespace, job.name)
    key = (connection_id, id_)
    rows.jobs[key] = (connection_id, id_, job.namespace, job.name)
    said, known = description(connection_id, job, time), rows.descriptions.get(key)
    rows.descriptions[key] = said if known is None else merged(known, said)
    return id_


def _add_run(rows: Rows, row: RunRow) -> None:
    known = rows.runs.setdefault((row.connection_id, row.id), row)
    if known is not row:
        known.merge(row)


def _note_end(rows: Rows, row: RunRow, invocation_id: UUID) -> None:
    for job in (row.job_id, *(row.needed_job_ids or ())):
        rows.ended.add((row.connection_id, invocation_id, job))


def _add_datasets(rows: Rows, connection_id: UUID, job: UUID | None, event: Event) -> frozenset[UUID]:
    """The ids of the edges between the job and the datasets."""
    if not event.datasets:
        return _NO_EDGES
    edges = []
    hour = event.event_time.replace(minute=0, second=0, microsecond=0)
    for dataset in event.datasets:
        id_ = dataset_id(dataset.namespace, dataset.name)
        _add_dataset(rows, (connection_id, id_), dataset)
        if job and dataset.direction:
            edges.append(_add_edge(rows, connection_id, (job, id_, dataset.direction), hour))
    return frozenset(edges)


def _add_dataset(rows: Rows, key: Key, dataset: DatasetReference) -> None:
    known = rows.datasets.get(key)
    described = dataset.described or bool(known and known[4])
    rows.datasets[key] = (*key, dataset.namespace, dataset.name, described)


def _add_edge(rows: Rows, connection_id: UUID, edge: tuple[UUID, UUID, str], hour: datetime) -> UUID:
    """`edge`: job id, dataset id, direction."""
    id_ = edge_id(*edge)
    known = rows.edges.get((connection_id, id_))
    first, last = (min(hour, known[5]), max(hour, known[6])) if known else (hour, hour)
    rows.edges[connection_id, id_] = (connection_id, id_, *edge, first, last)
    return id_
