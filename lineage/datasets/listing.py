"""Lists of datasets: each once, however many connections name it, with its writers, last write, rows and tests."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from lineage.datasets.aliases import read_names
from lineage.datasets.changes import read_drops
from lineage.datasets.checks import Tests, read_tests
from lineage.datasets.users import User, read_edges, read_jobs_of, users_of
from lineage.datasets.writes import LastWrite, read_last_writes, read_row_counts
from lineage.models import Edge
from lineage.models.dataset import DatasetQuerySet

# Edges of all listed datasets, the latest ones.
_MOST_EDGES: Final = 2_000


class Key(NamedTuple):
    """Names of a dataset."""

    id: UUID
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class ListedDataset:
    """Row of a list. `writers`: current ones first, then the latest. `rows`: of the last write that counted them."""

    key: Key
    writers: list[User]
    last_write: LastWrite | None
    rows: int | None
    tests: Tests
    dropped_at: datetime | None

    @property
    def more_writers(self) -> int:
        """Writers beside the first one."""
        return max(len(self.writers) - 1, 0)


def keys_of(datasets: DatasetQuerySet) -> "QuerySet[Any, Any]":
    """Return the key of each dataset once, however many connections name it, as dicts. Filters may follow."""
    return datasets.values("namespace", "name", "id").distinct()


def read_listed(keys: Sequence[Key], connection_ids: Collection[UUID]) -> list[ListedDataset]:
    """Read what a list shows of these datasets. The number of queries does not grow with them."""
    names = {id_: one.ids for id_, one in read_names([key.id for key in keys], connection_ids).items()}
    writers = _writers(names, connection_ids)
    writes = read_last_writes(names, connection_ids)
    rows = read_row_counts(names, connection_ids)
    tests = read_tests(names, connection_ids)
    drops = read_drops(names, connection_ids, {id_: write.ended_at for id_, write in writes.items()})
    return [
        ListedDataset(
            key=key,
            writers=writers.get(key.id, []),
            last_write=writes.get(key.id),
            rows=rows.get(key.id),
            tests=tests.get(key.id, Tests()),
            dropped_at=drops.get(key.id),
        )
        for key in keys
    ]


def _writers(names: Mapping[UUID, Collection[UUID]], connection_ids: Collection[UUID]) -> dict[UUID, list[User]]:
    """Return dataset id → the jobs that write it under any of its names."""
    ids = {id_ for of_one in names.values() for id_ in of_one}
    edges = list(read_edges(ids, connection_ids, Edge.Direction.WRITES)[:_MOST_EDGES]) if ids else []
    jobs, rounds = read_jobs_of(edges, connection_ids)
    of_name: dict[UUID, list[Edge]] = {}
    for edge in edges:
        of_name.setdefault(edge.dataset_id, []).append(edge)
    return {
        id_: users_of([edge for name in of_one for edge in of_name.get(name, ())], jobs, rounds)
        for id_, of_one in names.items()
    }
