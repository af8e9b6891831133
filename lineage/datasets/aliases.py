"""Other names of datasets: a table may be known by its path and by its name in a catalog, and is one dataset then."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from lineage.database.reading import read_rows

# A name may lead to another one, and that to a third.
MOST_HOPS: Final = 3
MOST_NAMES: Final = 16
TABLE: Final = "TABLE"

# Part of a WITH RECURSIVE: names that are reached from each of the datasets, in both directions.
REACHED: Final = f"""
reached (start, id, kind, hops) AS (
    SELECT wanted.id, wanted.id, '' COLLATE "C", 0 FROM unnest(%(datasets)s::uuid[]) AS wanted (id)
    UNION
    SELECT reached.start, other.id, other.kind, reached.hops + 1
    FROM reached CROSS JOIN LATERAL (
        (SELECT alias.alias_id AS id, alias.kind FROM lineage_alias AS alias
         WHERE alias.dataset_id = reached.id AND alias.connection_id = ANY(%(connections)s)
         ORDER BY alias.alias_id LIMIT {MOST_NAMES})
        UNION ALL
        (SELECT alias.dataset_id, '' FROM lineage_alias AS alias
         WHERE alias.alias_id = reached.id AND alias.connection_id = ANY(%(connections)s)
         ORDER BY alias.dataset_id LIMIT {MOST_NAMES})
    ) AS other
    WHERE reached.hops < {MOST_HOPS}
)
"""  # noqa: S608 - made of constants
OF_REACHED: Final = "SELECT start, id, max(kind), min(hops) FROM reached GROUP BY start, id"
_NAMES: Final = f"WITH RECURSIVE {REACHED} {OF_REACHED}"


class Reached(NamedTuple):
    """Name of the dataset `start`. `kind`: type that events give it, such as TABLE or LOCATION. `hops`: how many pairs
    of names lead there."""

    start: UUID
    id: UUID
    kind: str
    hops: int


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one dataset. `ids`: that from which the others were found comes first. `main`: the name that stands for
    all, whichever was the first: that of its table."""

    ids: tuple[UUID, ...]
    main: UUID
    # Id → type of the name. A name without a type is not in it.
    kinds: Mapping[UUID, str]

    @property
    def is_table(self) -> bool:
        """True if an event says that the main name is that of a table."""
        return self.kinds.get(self.main, "").upper() == TABLE


def bound_names(names: Mapping[UUID, Collection[UUID]]) -> dict[str, list[UUID]]:
    """Return parameters `ids` and `names` of a statement that reads under all names. `names`: dataset id → ids of all
    its names."""
    pairs = [(id_, name) for id_, of_one in names.items() for name in of_one]
    return {"ids": [id_ for id_, _ in pairs], "names": [name for _, name in pairs]}


def names_of(reached: Iterable[Reached]) -> dict[UUID, Names]:
    """Return start → its names, from near to far: MOST_NAMES at most."""
    by_start: dict[UUID, list[Reached]] = {}
    for one in sorted(reached, key=lambda one: (one.hops, one.id)):
        by_start.setdefault(one.start, []).append(one)
    return {start: _names(found[:MOST_NAMES]) for start, found in by_start.items()}


def _names(found: Collection[Reached]) -> Names:
    kinds = {one.id: one.kind for one in found if one.kind}
    tables = [id_ for id_, kind in kinds.items() if kind.upper() == TABLE]
    ids = tuple(one.id for one in found)
    return Names(ids, min(tables or ids), kinds)


def read_names(ids: Collection[UUID], connection_ids: Collection[UUID]) -> dict[UUID, Names]:
    """Return id → all names of that dataset, as far as these connections know them. One query."""
    if not ids:
        return {}
    rows = read_rows(_NAMES, {"datasets": sorted(ids), "connections": list(connection_ids)})
    return names_of(Reached(*row) for row in rows)
