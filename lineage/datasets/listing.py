"""Lists of datasets: each once, however many connections name it, with its writers, last write, rows and tests."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from lineage.datasets.aliases import Names, read_names
from lineage.datasets.changes import dropped_at, read_changes
from lineage.datasets.checks import Tests, read_tests
from lineage.datasets.users import User, read_edges, read_jobs_of, users_of
from lineage.datasets.writes import LastWrite, last_write, read_last_writes
from lineage.models import Edge
from lineage.models.dataset import DatasetQuerySet

# Edges of all listed datasets, the latest ones; writers of one that are asked for their last write; results of tests.
_MOST_EDGES: Final = 2_000
_MOST_WRITERS: Final = 3
_MOST_CHECKS: Final = 60
_MOST_CHANGES: Final = 500

_ROWS: Final = """
SELECT wanted.id, latest.said_at, latest.row_count FROM unnest(%s::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT measure.said_at, measure.row_count FROM lineage_measure AS measure
    WHERE measure.dataset_id = wanted.id AND measure.direction = 'WRITES' AND measure.row_count IS NOT NULL
        AND measure.connection_id = ANY(%s)
    ORDER BY measure.said_at DESC LIMIT 1
) AS latest
"""


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
    names = {id_: one.ids for id_, one in _names(keys, connection_ids).items()}
    writers = _writers(names, connection_ids)
    asked = [(user, user.edge_ids) for users in writers.values() for user in users[:_MOST_WRITERS]]
    every_id = {id_ for ids in names.values() for id_ in ids}
    writes = read_last_writes(asked, every_id)
    changes = read_changes(every_id, connection_ids, _MOST_CHANGES) if keys else []
    rows = _rows(every_id, connection_ids)
    tests = read_tests(names, connection_ids, _MOST_CHECKS) if names else {}
    found = []
    for key in keys:
        ids, users = names[key.id], writers.get(key.id, [])
        last = last_write(users[:_MOST_WRITERS], writes)
        of_this = [one for one in changes if {one.dataset.id, one.previous and one.previous.id} & set(ids)]
        found.append(
            ListedDataset(
                key=key,
                writers=users,
                last_write=last,
                rows=max((rows[id_] for id_ in ids if id_ in rows), default=(None, None))[1],
                tests=tests.get(key.id, Tests()),
                dropped_at=dropped_at(of_this, ids, last.ended_at if last else None),
            )
        )
    return found


def _names(keys: Sequence[Key], connection_ids: Collection[UUID]) -> dict[UUID, Names]:
    return read_names([key.id for key in keys], connection_ids) if keys else {}


def _writers(names: Mapping[UUID, Collection[UUID]], connection_ids: Collection[UUID]) -> dict[UUID, list[User]]:
    """Return dataset id → the jobs that write it under any of its names."""
    ids = {id_ for of_one in names.values() for id_ in of_one}
    edges = list(read_edges(ids, connection_ids, Edge.Direction.WRITES)[:_MOST_EDGES]) if ids else []
    jobs, current = read_jobs_of(edges, connection_ids)
    of_name: dict[UUID, list[Edge]] = {}
    for edge in edges:
        of_name.setdefault(edge.dataset_id, []).append(edge)
    return {
        id_: users_of([edge for name in of_one for edge in of_name.get(name, ())], jobs, current)
        for id_, of_one in names.items()
    }


def _rows(ids: Collection[UUID], connection_ids: Collection[UUID]) -> dict[UUID, tuple[datetime, int]]:
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [list(ids), list(connection_ids)])
        return {id_: (at, rows) for id_, at, rows in cursor.fetchall()}
