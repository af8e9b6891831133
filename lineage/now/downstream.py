"""Number of datasets and jobs downstream of jobs: what waits for them. The rule is pure; each level is one query."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from lineage.database.reading import read_rows
from lineage.edges.uses import READS, VARYING, WRITES
from lineage.events.effects import DATA, IMPLIED

# Datasets on the way from a job, those that it writes included.
DEPTH: Final = 3
# Of one level of all jobs together.
_MOST_JOBS: Final = 500
_MOST_EDGES: Final = 5000
_EDGE: Final = """edge.connection_id, edge.job_id, edge.dataset_id, edge.direction, edge.last_event_hour,
    edge.declared_at, edge.effects"""
_OF_JOBS: Final = f"""
SELECT {_EDGE} FROM unnest(%(of)s::uuid[], %(jobs)s::uuid[]) AS wanted (connection_id, job_id)
JOIN lineage_edge AS edge ON edge.connection_id = wanted.connection_id AND edge.job_id = wanted.job_id
LIMIT {_MOST_EDGES}
"""  # noqa: S608 - made of constants
_OF_READERS: Final = f"""
SELECT {_EDGE}
FROM (
    SELECT DISTINCT one.connection_id, one.job_id FROM lineage_edge AS one
    WHERE one.dataset_id = ANY(%(datasets)s) AND one.direction = '{READS}'
        AND one.connection_id = ANY(%(connections)s)
    LIMIT {_MOST_JOBS}
) AS reader
JOIN lineage_edge AS edge ON edge.connection_id = reader.connection_id AND edge.job_id = reader.job_id
LIMIT {_MOST_EDGES}
"""  # noqa: S608 - made of constants

Key = tuple[UUID, UUID]  # connection id, job id


class JobEdge(NamedTuple):
    """Edge of a job."""

    connection_id: UUID
    job_id: UUID
    dataset_id: UUID
    direction: str
    last_event_hour: datetime
    declared_at: datetime | None
    effects: int


class Downstream(NamedTuple):
    """Number of datasets that a job and the jobs below it write, and of these jobs. `is_cut`: there are more."""

    datasets: int = 0
    jobs: int = 0
    is_cut: bool = False


def read_downstream(jobs: Collection[Key], connections: Collection[UUID]) -> dict[UUID, Downstream]:
    """Return job id → what is downstream, DEPTH datasets far. One query for each level."""
    if not jobs:
        return {}
    of, ids = (list(column) for column in zip(*sorted(set(jobs)), strict=True))
    edges = [JobEdge(*row) for row in read_rows(_OF_JOBS, {"of": of, "jobs": ids})]
    known, is_cut = {edge.job_id for edge in edges}, len(edges) == _MOST_EDGES
    seen: set[UUID] = set()
    level = edges
    for _ in range(DEPTH - 1):
        frontier = {edge.dataset_id for edge in edges_in_use(level) if edge.direction == WRITES} - seen
        if not frontier:
            break
        seen |= frontier
        rows = read_rows(_OF_READERS, {"datasets": sorted(frontier), "connections": list(connections)})
        is_cut = is_cut or len(rows) == _MOST_EDGES
        level = [edge for edge in map(JobEdge._make, rows) if edge.job_id not in known]
        edges += level
        known = {edge.job_id for edge in edges}
    return count_downstream(ids, edges, is_cut=is_cut)


def edges_in_use(edges: Iterable[JobEdge]) -> list[JobEdge]:
    """Leave out what jobs read or wrote earlier, and what they only drop or rename.

    An edge is in use if it is among the latest that its job named, within VARYING, or declared with these.
    """
    by_job: dict[UUID, list[JobEdge]] = defaultdict(list)
    for edge in edges:
        by_job[edge.job_id].append(edge)
    found = []
    for of_job in by_job.values():
        latest = max(edge.last_event_hour for edge in of_job)
        declared = max((edge.declared_at for edge in of_job if edge.declared_at), default=None)
        found += [
            edge
            for edge in of_job
            if (edge.last_event_hour >= latest - VARYING or (declared and edge.declared_at == declared))
            and (edge.direction == READS or edge.effects & (DATA | IMPLIED))
        ]
    return found


def count_downstream(jobs: Iterable[UUID], edges: Iterable[JobEdge], *, is_cut: bool = False) -> dict[UUID, Downstream]:
    """Count what each job reaches, breadth first, each dataset and job once. Without a job that writes: no entry."""
    writes: dict[UUID, set[UUID]] = defaultdict(set)
    readers: dict[UUID, set[UUID]] = defaultdict(set)
    for edge in edges_in_use(edges):
        if edge.direction == WRITES:
            writes[edge.job_id].add(edge.dataset_id)
        else:
            readers[edge.dataset_id].add(edge.job_id)
    return {job: _reached(job, writes, readers, is_cut=is_cut) for job in jobs if job in writes}


def _reached(
    job: UUID, writes: Mapping[UUID, set[UUID]], readers: Mapping[UUID, set[UUID]], *, is_cut: bool
) -> Downstream:
    jobs, datasets = {job}, set(writes[job])
    level = set(datasets)
    for _ in range(DEPTH - 1):
        new_jobs = {reader for dataset in level for reader in readers.get(dataset, ())} - jobs
        jobs |= new_jobs
        level = {dataset for one in new_jobs for dataset in writes.get(one, ())} - datasets
        datasets |= level
    return Downstream(len(datasets), len(jobs) - 1, is_cut)
