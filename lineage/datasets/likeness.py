"""Datasets that belong together by their names: partitions of one dataset, and names that are perhaps one table."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from lineage.database.reading import read_rows

# Datasets that are perhaps one table with another one.
MOST_SIMILAR: Final = 10
# Partitions of one dataset: those that are followed, the last by name; and those that are counted.
MOST_FOLLOWED: Final = 200
MOST_PARTITIONS: Final = 10_000

# Condition on a dataset: no event says that it is a part of a table of another name.
OF_NO_TABLE: Final = """NOT EXISTS (
    SELECT FROM lineage_alias AS alias
    WHERE alias.dataset_id = one.id AND alias.connection_id = ANY(%(connections)s) AND upper(alias.kind) = 'TABLE'
    OFFSET 0
)"""
_MEMBERS: Final = f"""
SELECT wanted.id, member.id
FROM unnest(%(ids)s::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT DISTINCT one.name, one.id FROM lineage_dataset AS one
    WHERE one.base_id = wanted.id AND one.connection_id = ANY(%(connections)s) AND {OF_NO_TABLE}
    ORDER BY one.name DESC, one.id LIMIT {MOST_FOLLOWED}
) AS member
"""  # noqa: S608 - made of constants
_COUNTS: Final = f"""
SELECT wanted.id, counted.count
FROM unnest(%(ids)s::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT count(*) FROM (
        SELECT DISTINCT one.id FROM lineage_dataset AS one
        WHERE one.base_id = wanted.id AND one.id <> wanted.id AND one.connection_id = ANY(%(connections)s)
        LIMIT {MOST_PARTITIONS}
    ) AS partition
) AS counted
"""  # noqa: S608 - made of constants
_SIMILAR: Final = f"""
SELECT DISTINCT wanted.id, other.id, other.namespace, other.name
FROM unnest(%(ids)s::uuid[], %(matches)s::uuid[]) AS wanted (id, match_id)
CROSS JOIN LATERAL (
    SELECT DISTINCT one.id, one.namespace, one.name FROM lineage_dataset AS one
    WHERE one.match_id = wanted.match_id AND one.connection_id = ANY(%(connections)s)
    ORDER BY one.namespace, one.name LIMIT {2 * MOST_SIMILAR}
) AS other
ORDER BY other.namespace, other.name
"""  # noqa: S608 - made of constants


class NamedDataset(NamedTuple):
    id: UUID
    namespace: str
    name: str


def read_partitions(base_ids: Collection[UUID], connection_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """Return base id → ids of its partitions, MOST_FOLLOWED at most, and its own if there is such a dataset. One
    query."""
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for base, member in _rows(_MEMBERS, connection_ids, ids=sorted(base_ids)):
        found[base].append(member)
    return found


def count_partitions(base_ids: Collection[UUID], connection_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return base id → how many partitions it has, MOST_PARTITIONS at most. One query."""
    return dict(_rows(_COUNTS, connection_ids, ids=sorted(base_ids)))


def read_similar(
    matches: Mapping[UUID, Collection[UUID]], names: Mapping[UUID, Collection[UUID]], connection_ids: Collection[UUID]
) -> dict[UUID, list[NamedDataset]]:
    """Return dataset id → the datasets that are perhaps one table with it, sorted; MOST_SIMILAR at most. One query.

    `matches`: dataset id → match ids of its names. `names`: dataset id → ids of all its names.
    """
    pairs = sorted((id_, match) for id_, of_one in matches.items() for match in of_one)
    ids, of_ids = [id_ for id_, _ in pairs], [match for _, match in pairs]
    found: dict[UUID, list[NamedDataset]] = defaultdict(list)
    for id_, *other in _rows(_SIMILAR, connection_ids, ids=ids, matches=of_ids):
        if other[0] not in names[id_] and len(found[id_]) < MOST_SIMILAR:
            found[id_].append(NamedDataset(*other))
    return found


def _rows(statement: str, connection_ids: Collection[UUID], **bound: list[UUID]) -> list[tuple[Any, ...]]:
    if not bound["ids"]:
        return []
    return read_rows(statement, {"connections": list(connection_ids), **bound})
