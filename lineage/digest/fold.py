"""Folds the new events of one digest into the rows that they are about: one row per key, sorted by key."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from lineage.digest.descriptions import Description, description, merged
from lineage.digest.run_rows import RunRow, run_row
from lineage.digest.told import stand_ins
from lineage.events import Event, JobFacts
from lineage.events.identity import dataset_id, edge_id, job_id

Row = tuple[Any, ...]
Key = tuple[UUID, UUID]  # connection id, id
# The same in 32 bytes, of what is looked up most: a UUID's hash is made anew each time, in Python.
PackedKey = bytes
_NO_EDGES: frozenset[UUID] = frozenset()
_key = itemgetter(0, 1)

# The same jobs touch the same datasets again and again.
_REMEMBERED = 16_384


@dataclass(slots=True)
class Rows:
    jobs: dict[Key, Row] = field(default_factory=dict)
    # Of each of the jobs.
    descriptions: dict[Key, Description] = field(default_factory=dict)
    runs: dict[Key, RunRow] = field(default_factory=dict)
    datasets: dict[PackedKey, Row] = field(default_factory=dict)
    edges: dict[PackedKey, Row] = field(default_factory=dict)


def fold(events: Iterable[tuple[UUID, Event]]) -> Rows:
    """`events`: (connection id, event)."""
    rows = Rows()
    for connection_id, event in events:
        job = _add_job(rows, connection_id, event.job, event.event_time) if event.job else None
        edges = _add_datasets(rows, connection_id, job, event)
        if event.run and event.job and job:
            _add_run(rows, run_row(connection_id, job, event, event.run, edges))
            for told, stand_in in stand_ins(connection_id, event, event.job, event.run) if event.run.told else ():
                _add_job(rows, connection_id, told, event.event_time)
                _add_run(rows, stand_in)
    return rows


def ordered(rows: Iterable[Row]) -> list[Row]:
    """By key. Writers that lock rows in one order cannot deadlock."""
    return sorted(rows, key=_key)


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


def _add_datasets(rows: Rows, connection_id: UUID, job: UUID | None, event: Event) -> frozenset[UUID]:
    """The ids of the edges between the job and the datasets."""
    if not event.datasets:
        return _NO_EDGES
    edges = []
    hour = event.event_time.replace(minute=0, second=0, microsecond=0)
    for namespace, name, direction, described in event.datasets:
        touched = _touched(connection_id, job, namespace, name, direction)
        known = rows.datasets.get(touched.dataset_key)
        if known is None or (described and not known[4]):
            rows.datasets[touched.dataset_key] = (*touched.dataset, described)
        if touched.edge_id is not None:
            _add_edge(rows.edges, touched, hour)
            edges.append(touched.edge_id)
    return frozenset(edges)


class _Touched(NamedTuple):
    """A dataset that an event names: how its row begins, and that of the edge between it and the job, and their keys;
    `edge_id` is None where there is no edge."""

    dataset_key: PackedKey
    dataset: Row
    edge_id: UUID | None = None
    edge_key: PackedKey = b""
    edge: Row = ()


@lru_cache(_REMEMBERED)
def _touched(connection_id: UUID, job: UUID | None, namespace: str, name: str, direction: str | None) -> _Touched:
    id_ = dataset_id(namespace, name)
    dataset, dataset_key = (connection_id, id_, namespace, name), connection_id.bytes + id_.bytes
    if job is None or direction is None:
        return _Touched(dataset_key, dataset)
    edge = edge_id(job, id_, direction)
    row = (connection_id, edge, job, id_, direction)
    return _Touched(dataset_key, dataset, edge, connection_id.bytes + edge.bytes, row)


def _add_edge(edges: dict[PackedKey, Row], touched: _Touched, hour: datetime) -> None:
    known = edges.get(touched.edge_key)
    if known is None:
        edges[touched.edge_key] = (*touched.edge, hour, hour)
    elif not known[5] <= hour <= known[6]:
        edges[touched.edge_key] = (*touched.edge, min(hour, known[5]), max(hour, known[6]))
