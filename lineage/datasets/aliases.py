"""Other names of datasets: a table may be known by its path and by its name in a catalog, and is one dataset then."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from django.db.models import Q

from lineage.models import Alias

MOST_HOPS: Final = 3
MOST_NAMES: Final = 16
# Of all datasets that are looked up together.
_MOST_PAIRS: Final = 2_000
TABLE: Final = "TABLE"


class Pair(NamedTuple):
    """Two names of one dataset. `kind`: type of the second one, such as TABLE or LOCATION."""

    dataset_id: UUID
    alias_id: UUID
    kind: str


@dataclass(frozen=True, slots=True)
class Names:
    """`ids`: of all names of one dataset, the one that was looked up first. `main`: the name of its table."""

    ids: tuple[UUID, ...]
    main: UUID
    # Id → type of the name. A name without a type is not in it.
    kinds: Mapping[UUID, str]


def names_in(start: UUID, pairs: Iterable[Pair]) -> Names:
    """Follow pairs of names in both directions, from near to far. MOST_HOPS steps and MOST_NAMES names at most."""
    pairs = list(pairs)
    found, nearest = {start: None}, [start]
    for _ in range(MOST_HOPS):
        beside = {other for pair in pairs for one, other in (pair[:2], pair[1::-1]) if one in nearest}
        nearest = sorted(beside - found.keys())
        found |= dict.fromkeys(nearest)
    ids = tuple(found)[:MOST_NAMES]
    kinds = {pair.alias_id: pair.kind for pair in sorted(pairs) if pair.alias_id in ids and pair.kind}
    tables = sorted(id_ for id_, kind in kinds.items() if kind.upper() == TABLE)
    return Names(ids, tables[0] if tables else start, kinds)


def read_names(ids: Collection[UUID], connection_ids: Collection[UUID]) -> dict[UUID, Names]:
    """Return id → all names of that dataset, as far as these connections know them. MOST_HOPS queries at most."""
    pairs: set[Pair] = set()
    known, nearest = set(ids), set(ids)
    for _ in range(MOST_HOPS):
        if not nearest:
            break
        beside = Alias.objects.filter(Q(dataset_id__in=nearest) | Q(alias_id__in=nearest))
        rows = beside.filter(connection_id__in=connection_ids).order_by("dataset_id", "alias_id", "connection_id")
        found = {Pair(*row) for row in rows.values_list("dataset_id", "alias_id", "kind")[:_MOST_PAIRS]}
        pairs |= found
        nearest = {id_ for pair in found for id_ in pair[:2]} - known
        known |= nearest
    of_id: dict[UUID, set[Pair]] = {}
    for pair in pairs:
        for id_ in pair[:2]:
            of_id.setdefault(id_, set()).add(pair)
    return {id_: names_in(id_, _near(id_, of_id)) for id_ in ids}


def _near(start: UUID, of_id: Mapping[UUID, set[Pair]]) -> set[Pair]:
    """Return the pairs within MOST_HOPS steps: of many datasets each looks at its own alone."""
    found: set[Pair] = set()
    ids = {start}
    for _ in range(MOST_HOPS):
        found |= {pair for id_ in ids for pair in of_id.get(id_, ())}
        ids = {id_ for pair in found for id_ in pair[:2]}
    return found
