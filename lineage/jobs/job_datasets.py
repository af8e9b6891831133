"""Datasets that a job reads and writes, and those that it read and wrote before."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lineage.edges.rounds import read_rounds
from lineage.edges.uses import NO_ROUND, NOW_IN_USE, Use, moves_data, use_of
from lineage.models import Dataset, Edge, Job

# Most datasets on each side of the page.
MOST_SHOWN = 100
_EDGES = """
SELECT edge.*, dataset.namespace, dataset.name
FROM lineage_edge AS edge
JOIN lineage_dataset AS dataset ON dataset.connection_id = edge.connection_id AND dataset.id = edge.dataset_id
WHERE edge.connection_id = %s AND (edge.job_id = %s OR edge.id = ANY(%s))
"""


@dataclass(frozen=True, slots=True)
class JobDataset:
    """Dataset of a job. `use`: None if it is past. `last_at`: to the hour."""

    dataset: Dataset
    use: Use | None
    last_at: datetime

    @property
    def is_current(self) -> bool:
        """True if the job's latest round reads or writes it, or its latest JobEvent."""
        return self.use in NOW_IN_USE


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
    """Return the datasets that a job reads and writes. Two queries."""
    of = read_rounds([(job.connection_id, job.id)]).get(job.id, NO_ROUND)
    # Edges that the round names may be those of a former name of the job.
    edges: Iterable[Any] = Edge.objects.raw(_EDGES, [job.connection_id, job.id, list(of.edge_ids)])
    touched: dict[str, list[JobDataset]] = {Edge.Direction.READS: [], Edge.Direction.WRITES: []}
    for edge in edges:
        if moves_data(edge.direction, edge.effects):
            dataset = Dataset(id=edge.dataset_id, namespace=edge.namespace, name=edge.name)
            touched[edge.direction].append(JobDataset(dataset, use_of(edge, of), edge.last_event_hour))
    reads, writes = (sorted(found, key=_order) for found in touched.values())
    return JobDatasets(
        reads=reads[:MOST_SHOWN],
        writes=writes[:MOST_SHOWN],
        more_reads=max(len(reads) - MOST_SHOWN, 0),
        more_writes=max(len(writes) - MOST_SHOWN, 0),
    )


def _order(touched: JobDataset) -> tuple[bool, str, str]:
    return not touched.is_current, touched.dataset.name.lower(), touched.dataset.namespace
