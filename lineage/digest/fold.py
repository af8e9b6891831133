"""Folds the new events of one digest into the rows that they are about: one row per key, sorted by key."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from lineage.digest.dataset_rows import (
    DEPENDS,
    DatasetRows,
    Subject,
    add_extraction,
    add_relation,
    add_said,
    hour_of,
)
from lineage.digest.descriptions import Description, description, merged
from lineage.digest.reported_tasks import reported_runs
from lineage.digest.run_rows import run_row
from lineage.events import Event, JobFacts
from lineage.events.document import MAX_DATASETS
from lineage.events.effects import DATA, EXPLICIT, IMPLIED, effect_of
from lineage.events.event import DatasetReference, DatasetSaid
from lineage.events.identity import base_id, dataset_id, edge_id, job_id, match_id, run_row_id
from lineage.events.senders import sender_of
from lineage.rows.run_row import RunRow
from lineage.rows.tables import EDGE, Row

Key = tuple[UUID, UUID]  # connection id, id
# A key in 32 bytes, for rows that are looked up most: Python makes a UUID's hash anew each time.
PackedKey = bytes
_NO_EDGES: frozenset[UUID] = frozenset()

# Jobs touch their datasets again and again.
_REMEMBERED = 16_384


@dataclass(slots=True)
class Rows:
    jobs: dict[Key, Row] = field(default_factory=dict)
    # Each of the jobs has one.
    descriptions: dict[Key, Description] = field(default_factory=dict)
    runs: dict[Key, RunRow] = field(default_factory=dict)
    # Those of `runs` that may have rows under other names.
    renamable: set[Key] = field(default_factory=set)
    datasets: dict[PackedKey, Row] = field(default_factory=dict)
    edges: dict[PackedKey, Row] = field(default_factory=dict)
    said: DatasetRows = field(default_factory=DatasetRows)
    # Time of the last JobEvent of a job that names datasets.
    declared: dict[Key, datetime] = field(default_factory=dict)


class ReceivedEvent(NamedTuple):
    """Event of a connection, and when this server received it."""

    connection_id: UUID
    event: Event
    received_at: datetime


def fold(events: Iterable[ReceivedEvent]) -> Rows:
    """Folds events into rows."""
    rows = Rows()
    for connection_id, event, received_at in events:
        job = _add_job(rows, connection_id, event.job, event.event_time) if event.job else None
        if event.run and event.job and job:
            run_id = run_row_id(event.run.id, job, event.run.map_index)
            edges = _add_datasets(rows, connection_id, job, run_id, event)
            _add_run(rows, run_row(connection_id, job, event, event.run, edges, received_at=received_at))
            _add_other_facts(rows, connection_id, job, run_id, event)
            if sender_of(event.job.integration).renames_jobs:
                rows.renamable.add((connection_id, run_id))
            for task, task_run in reported_runs(connection_id, event, event.job, event.run, received_at):
                _add_job(rows, connection_id, task, event.event_time)
                _add_run(rows, task_run)
        else:
            _add_datasets(rows, connection_id, job, None, event)
    return rows


def _add_job(rows: Rows, connection_id: UUID, job: JobFacts, time: datetime) -> UUID:
    id_ = job_id(connection_id, job.namespace, job.name)
    key = (connection_id, id_)
    rows.jobs[key] = (connection_id, id_, job.namespace, job.name)
    said, known = description(connection_id, job, time), rows.descriptions.get(key)
    rows.descriptions[key] = said if known is None else merged(known, said)
    return id_


def _add_other_facts(rows: Rows, connection_id: UUID, job: UUID, run_id: UUID, event: Event) -> None:
    """Adds what could not be extracted, and the jobs that run before and after this one."""
    if event.extraction:
        add_extraction(rows.said, connection_id, run_id, event.extraction, event.event_time)
    for namespace, name, runs_before in event.dependencies:
        other = job_id(connection_id, namespace, name)
        ends = (other, job) if runs_before else (job, other)
        add_relation(rows.said, connection_id, DEPENDS, ends, hour_of(event.event_time))


def _add_run(rows: Rows, row: RunRow) -> None:
    known = rows.runs.setdefault((row.connection_id, row.id), row)
    if known is not row:
        known.merge(row)


def _add_datasets(
    rows: Rows, connection_id: UUID, job: UUID | None, run_id: UUID | None, event: Event
) -> frozenset[UUID]:
    """Adds datasets, edges, and what the event says of datasets. Returns the ids of the edges between the job and the
    datasets.

    A JobEvent (without `run_id`) declares the edges of its job.
    """
    if not event.datasets:
        return _NO_EDGES
    edges, implied = [], set[tuple[str, str]]()
    at, hour = event.event_time, hour_of(event.event_time)
    declared_at = at if job and run_id is None else None
    if job and declared_at:
        _declare(rows.declared, (connection_id, job), declared_at)
    for one in event.datasets:
        direction, said = one.direction, one.said
        touched = _touched(connection_id, job, one.namespace, one.name, direction)
        _add_dataset(rows, touched, one.described)
        if touched.edge_id is not None:
            _add_edge(rows.edges, touched, hour, declared_at, _effects_of(one))
            edges.append(touched.edge_id)
        if said is not None:
            subject = Subject(connection_id, touched.dataset[1], direction, touched.edge_id, run_id, at)
            add_said(rows.said, subject, said)
            implied.update(said.sources)
            if said.lineage and direction != "READS":
                implied.update(said.lineage.sources)
            for named in _also_named(said):
                _add_dataset(rows, _touched(connection_id, None, *named, None), False)
    for source in _not_read(implied, event):
        touched = _touched(connection_id, job, *source, "READS")
        _add_dataset(rows, touched, False)
        if touched.edge_id is not None:
            _add_edge(rows.edges, touched, hour, declared_at, IMPLIED)
            edges.append(touched.edge_id)
    return frozenset(edges)


def _effects_of(one: DatasetReference) -> int:
    if one.said is None:
        return IMPLIED if one.is_implied else DATA
    effects = IMPLIED if one.is_implied else effect_of(one.said.change)
    return effects | EXPLICIT if one.said.lineage and one.direction == "WRITES" else effects


def _not_read(sources: set[tuple[str, str]], event: Event) -> list[tuple[str, str]]:
    """Leaves out sources that are among the inputs, and files below one of them. MAX_DATASETS at most."""
    if not sources:
        return []
    inputs = {(one.namespace, one.name.rstrip("/")) for one in event.datasets if one.direction == "READS"}
    found = [source for source in sorted(sources) if not _is_among(inputs, *source)]
    return found[:MAX_DATASETS]


def _is_among(inputs: set[tuple[str, str]], namespace: str, name: str) -> bool:
    while name:
        if (namespace, name) in inputs:
            return True
        name = name.rpartition("/")[0]
    return False


def _also_named(said: DatasetSaid) -> Iterator[tuple[str, str]]:
    """Yields the namespace and name of the other datasets of which the event speaks."""
    for namespace, name, _ in said.symlinks:
        yield namespace, name
    if said.previous:
        yield said.previous


def _declare(declared: dict[Key, datetime], job: Key, at: datetime) -> None:
    declared[job] = max(declared.get(job, at), at)


def _add_dataset(rows: Rows, touched: "_Touched", described: bool) -> None:
    known = rows.datasets.get(touched.dataset_key)
    if known is None or (described and not known[4]):
        rows.datasets[touched.dataset_key] = (*touched.dataset[:4], described, *touched.dataset[4:])


class _Touched(NamedTuple):
    """A dataset that an event names: its row without `described`, and how the row of the edge between it and the job
    begins, and their keys; `edge_id` is None where there is no edge."""

    dataset_key: PackedKey
    dataset: Row
    edge_id: UUID | None = None
    edge_key: PackedKey = b""
    edge: Row = ()


@lru_cache(_REMEMBERED)
def _touched(connection_id: UUID, job: UUID | None, namespace: str, name: str, direction: str | None) -> _Touched:
    id_ = dataset_id(namespace, name)
    dataset = (connection_id, id_, namespace, name, match_id(namespace, name), base_id(namespace, name))
    dataset_key = connection_id.bytes + id_.bytes
    if job is None or direction is None:
        return _Touched(dataset_key, dataset)
    edge = edge_id(job, id_, direction)
    row = (connection_id, edge, job, id_, direction)
    return _Touched(dataset_key, dataset, edge, connection_id.bytes + edge.bytes, row)


def _add_edge(
    edges: dict[PackedKey, Row], touched: _Touched, hour: datetime, declared_at: datetime | None, effects: int
) -> None:
    known, row = edges.get(touched.edge_key), (*touched.edge, hour, hour, declared_at, effects)
    if known is None:
        edges[touched.edge_key] = row
    elif known != row:
        edges[touched.edge_key] = EDGE.merged(known, row)
