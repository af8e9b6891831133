"""Datasets that a job reads and writes: those of its latest run that named any, and earlier ones.

Of a job whose runs name none, the latest events that described the job itself say which datasets are current.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from lineage.jobs.statistics import RECENT_RUNS
from lineage.models import Dataset, Edge, Job, Run

# Most datasets on each side of the page.
MOST_SHOWN = 100
_OF_EDGE = ("id", "dataset_id", "direction", "last_event_hour")


@dataclass(frozen=True, slots=True)
class JobDataset:
    """Dataset of a job. `is_current`: the latest run (if no run names datasets: the latest JobEvents, to the hour) that
    named any dataset named this one. `last_at`: to the hour."""

    dataset: Dataset
    is_current: bool
    last_at: datetime


@dataclass(frozen=True, slots=True)
class JobDatasets:
    """Datasets of a job, current ones first, then by name. `more_…`: how many are not listed."""

    reads: list[JobDataset]
    writes: list[JobDataset]
    more_reads: int
    more_writes: int

    @property
    def has_any(self) -> bool:
        return bool(self.reads or self.writes)


def datasets_of_job(job: Job) -> JobDatasets:
    """Return the datasets that a job reads and writes. Three queries."""
    edges = list(Edge.objects.filter(connection_id=job.connection_id, job_id=job.id).only(*_OF_EDGE))
    current = _edge_ids_of_latest_run(job) or _edge_ids_of_latest_hour(edges)
    datasets = Dataset.objects.filter(connection_id=job.connection_id, id__in={edge.dataset_id for edge in edges})
    by_id = {dataset.id: dataset for dataset in datasets.only("id", "namespace", "name")}
    touched: dict[str, list[JobDataset]] = {Edge.Direction.READS: [], Edge.Direction.WRITES: []}
    for edge in edges:
        if dataset := by_id.get(edge.dataset_id):
            touched[edge.direction].append(JobDataset(dataset, edge.id in current, edge.last_event_hour))
    reads, writes = (sorted(found, key=_order) for found in touched.values())
    return JobDatasets(
        reads=reads[:MOST_SHOWN],
        writes=writes[:MOST_SHOWN],
        more_reads=max(len(reads) - MOST_SHOWN, 0),
        more_writes=max(len(writes) - MOST_SHOWN, 0),
    )


def _edge_ids_of_latest_run(job: Job) -> set[UUID]:
    """Return the edges of the latest run that named any: an event without datasets, such as START, removes none."""
    runs = Run.objects.filter(connection_id=job.connection_id, job_id=job.id)
    recent = runs.order_by("-run_at", "-id").values("id")[:RECENT_RUNS]
    named = Run.objects.filter(connection_id=job.connection_id, id__in=recent).exclude(edge_ids=[])
    return set(named.order_by("-run_at", "-id").values_list("edge_ids", flat=True).first() or ())


def _edge_ids_of_latest_hour(edges: Sequence[Edge]) -> set[UUID]:
    latest = max((edge.last_event_hour for edge in edges), default=None)
    return {edge.id for edge in edges if edge.last_event_hour == latest}


def _order(touched: JobDataset) -> tuple[bool, str, str]:
    return not touched.is_current, touched.dataset.name.lower(), touched.dataset.namespace
