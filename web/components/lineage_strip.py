"""Strip of lineage: what a job or a run reads and writes, one step to each side, with the jobs beside that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.urls import reverse

from connections.models import Connection
from connections.querysets import Reader
from lineage.graph.beside import NOBODY, Beside, read_beside
from lineage.models import Dataset, Edge

# On each side; the graph has all.
MOST_SHOWN: Final = 4


@dataclass(frozen=True, slots=True)
class StripDataset:
    """Dataset of a strip. `beside`: the other jobs that write what is read, or read what is written."""

    dataset: Dataset
    direction: str
    beside: Beside

    @property
    def words(self) -> str:
        """Return `by load_orders`, `read by 3 jobs`, or nothing if no other job is known."""
        jobs = self.beside.jobs
        if not jobs:
            return ""
        names = jobs[0].name if len(jobs) == 1 else f"{self.beside.count} jobs"
        return f"by {names}" if self.direction == Edge.Direction.READS else f"read by {names}"


@dataclass(frozen=True, slots=True)
class LineageStrip:
    """Strip around a job or a run. `more_…`: how many are not shown. `graph_url`: of the whole graph."""

    reads: list[StripDataset]
    writes: list[StripDataset]
    more_reads: int
    more_writes: int
    graph_url: str

    @property
    def is_empty(self) -> bool:
        return not (self.reads or self.writes)


def read_strip(
    job_id: UUID, reads: Sequence[Dataset], writes: Sequence[Dataset], reader: Reader, *, node: str
) -> LineageStrip:
    """Return the strip of a job or run, whose datasets are known. `node`: what the graph is drawn around. Two queries,
    none without datasets."""
    shown = _shown(reads, Edge.Direction.READS) + _shown(writes, Edge.Direction.WRITES)
    visible = Connection.objects.visible(reader).values_list("pk", flat=True) if shown else ()
    beside = read_beside(job_id, [(dataset.id, direction) for dataset, direction in shown], list(visible))
    datasets = [
        StripDataset(dataset, direction, beside.get((dataset.id, direction), NOBODY)) for dataset, direction in shown
    ]
    return LineageStrip(
        [one for one in datasets if one.direction == Edge.Direction.READS],
        [one for one in datasets if one.direction == Edge.Direction.WRITES],
        max(len(reads) - MOST_SHOWN, 0),
        max(len(writes) - MOST_SHOWN, 0),
        f"{reverse('lineage')}?node={node}",
    )


def _shown(datasets: Iterable[Dataset], direction: Edge.Direction) -> list[tuple[Dataset, str]]:
    return [(dataset, direction.value) for dataset in list(datasets)[:MOST_SHOWN]]
