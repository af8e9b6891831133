"""The datasets that a run wrote and read, with what its events say of how much."""

from dataclasses import dataclass
from typing import Any

from lineage.events.contents import RunContents
from lineage.models import Dataset, Edge, Run

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class RunDataset:
    """`size` is in bytes. None: not said."""

    dataset: Dataset
    direction: str
    rows: int | None
    size: int | None
    files: int | None


def datasets_of_run(run: Run, contents: RunContents) -> list[RunDataset]:
    """What it wrote, then what it read, each by name; MOST_SHOWN of them. Two queries."""
    edges = list(Edge.objects.filter(connection_id=run.connection_id, id__in=run.edge_ids[:MOST_SHOWN]))
    ids = {edge.dataset_id for edge in edges}
    named = {row.id: row for row in Dataset.objects.filter(connection_id=run.connection_id, id__in=ids)}
    found = [
        _with_counts(named[edge.dataset_id], edge.direction, contents) for edge in edges if edge.dataset_id in named
    ]
    return sorted(found, key=lambda row: (row.direction != Edge.Direction.WRITES, row.dataset.name))


def _with_counts(dataset: Dataset, direction: str, contents: RunContents) -> RunDataset:
    key: Any = (direction, dataset.namespace, dataset.name)
    said = contents.statistics.get(key)
    counts = (said.row_count, said.size, said.file_count) if said else (None, None, None)
    return RunDataset(dataset, direction, *counts)
