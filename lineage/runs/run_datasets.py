"""Datasets that a run wrote and read, with the row counts and sizes that its events report."""

from dataclasses import dataclass
from typing import Any

from lineage.events.contents import RunContents
from lineage.models import Dataset, Edge, Run

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class RunDataset:
    """Dataset of a run. `size` is in bytes. `subset`: the part of it that was touched, in words. None: not reported."""

    dataset: Dataset
    direction: str
    rows: int | None
    size: int | None
    files: int | None
    subset: str | None = None


def datasets_of_run(run: Run, contents: RunContents) -> list[RunDataset]:
    """Return the datasets that the run wrote, then those that it read, each sorted by name; MOST_SHOWN at most. Two
    queries."""
    edges = list(Edge.objects.filter(connection_id=run.connection_id, id__in=run.edge_ids[:MOST_SHOWN]))
    ids = {edge.dataset_id for edge in edges}
    named = {row.id: row for row in Dataset.objects.filter(connection_id=run.connection_id, id__in=ids)}
    found = [
        _with_counts(named[edge.dataset_id], edge.direction, contents) for edge in edges if edge.dataset_id in named
    ]
    return sorted(found, key=lambda row: (row.direction != Edge.Direction.WRITES, row.dataset.name))


def _with_counts(dataset: Dataset, direction: str, contents: RunContents) -> RunDataset:
    key: Any = (direction, dataset.namespace, dataset.name)
    reported = contents.statistics.get(key)
    counts = (reported.row_count, reported.size, reported.file_count) if reported else (None, None, None)
    return RunDataset(dataset, direction, *counts, contents.subsets.get(key))
