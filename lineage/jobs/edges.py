"""The datasets that a job reads and writes: those of its latest run that named any, and those of earlier times."""

from dataclasses import dataclass
from datetime import datetime

from lineage.jobs.statistics import RECENT_RUNS
from lineage.models import Dataset, Edge, Job, Run

# On each side of the page.
MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Touched:
    """`is_current`: the latest run that named any dataset named this one. `last_at`: to the hour."""

    dataset: Dataset
    is_current: bool
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Datasets:
    """Current ones first, by name; and how many more there are than are shown."""

    reads: list[Touched]
    writes: list[Touched]
    more_reads: int
    more_writes: int

    @property
    def has_any(self) -> bool:
        return bool(self.reads or self.writes)


def datasets_of(job: Job) -> Datasets:
    """In three queries."""
    current = _current_edge_ids(job)
    edges = list(Edge.objects.filter(connection_id=job.connection_id, job_id=job.id))
    datasets = Dataset.objects.filter(connection_id=job.connection_id, id__in={edge.dataset_id for edge in edges})
    by_id = {dataset.id: dataset for dataset in datasets}
    touched: dict[str, list[Touched]] = {Edge.Direction.READS: [], Edge.Direction.WRITES: []}
    for edge in edges:
        if dataset := by_id.get(edge.dataset_id):
            touched[edge.direction].append(Touched(dataset, edge.id in current, edge.last_event_hour))
    reads, writes = (sorted(found, key=_order) for found in touched.values())
    return Datasets(
        reads=reads[:MOST_SHOWN],
        writes=writes[:MOST_SHOWN],
        more_reads=max(len(reads) - MOST_SHOWN, 0),
        more_writes=max(len(writes) - MOST_SHOWN, 0),
    )


def _current_edge_ids(job: Job) -> set[object]:
    """Of its latest run that named any: an event without datasets (a START) takes none away."""
    runs = Run.objects.filter(connection_id=job.connection_id, job_id=job.id)
    recent = runs.order_by("-run_at", "-id").values("id")[:RECENT_RUNS]
    named = Run.objects.filter(connection_id=job.connection_id, id__in=recent).exclude(edge_ids=[])
    return set(named.order_by("-run_at", "-id").values_list("edge_ids", flat=True).first() or ())


def _order(touched: Touched) -> tuple[bool, str, str]:
    return not touched.is_current, touched.dataset.name.lower(), touched.dataset.namespace
