"""Rule that decides which edges of a job are in use. Pure.

A job's latest round is its latest run that names any dataset, with that job's runs under one parent run. What a
round names is current, whatever its state: a run that only starts, or fails before it names anything, removes nothing.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple, Protocol
from uuid import UUID

from lineage.events.effects import DATA, EXPLICIT, IMPLIED

# What was named this long before the latest round is varying; what was named earlier is past.
VARYING: Final = timedelta(days=7)
READS: Final = "READS"
WRITES: Final = "WRITES"
Use = Literal["current", "varying", "declared", "implied"]


# From the strongest to the weakest.
USES: Final[tuple[Use, ...]] = ("current", "declared", "implied", "varying")
# Uses that the latest round has, or the latest JobEvent.
NOW_IN_USE: Final[frozenset["Use | None"]] = frozenset({"current", "declared", "implied"})


class NamedEdge(Protocol):
    """Columns of an edge that decide how it is in use."""

    @property
    def id(self) -> UUID: ...
    @property
    def direction(self) -> str: ...
    @property
    def last_event_hour(self) -> datetime: ...
    @property
    def declared_at(self) -> datetime | None: ...
    @property
    def effects(self) -> int: ...


class StoredEdge(NamedTuple):
    """Row of lineage_edge."""

    connection_id: UUID
    id: UUID
    job_id: UUID
    dataset_id: UUID
    direction: str
    first_event_hour: datetime
    last_event_hour: datetime
    declared_at: datetime | None
    effects: int


class Round(NamedTuple):
    """Latest round of a job. `job_id`: of the job as it is shown, which differs for a run that was renamed. `run_at`:
    None if no run named a dataset. `edge_ids`: those that the round names."""

    job_id: UUID
    run_at: datetime | None
    edge_ids: frozenset[UUID]
    declared_at: datetime | None


class UsedEdge(NamedTuple):
    """Edge that is in use. `job_id`: of the job as it is shown."""

    edge: StoredEdge
    job_id: UUID
    use: Use


NO_ROUND: Final = Round(UUID(int=0), None, frozenset(), None)


def edges_in_use(edges: Iterable[StoredEdge], of: Round, *, varying: bool) -> list[UsedEdge]:
    """Return the edges of a job that are in use, in their order."""
    found = ((edge, use_of(edge, of)) for edge in edges)
    return [UsedEdge(edge, of.job_id, use) for edge, use in found if use and (varying or use != "varying")]


def is_source(names: AbstractSet[UUID], of: Iterable[UUID], explicit: Mapping[UUID, AbstractSet[UUID]]) -> bool | None:
    """Tell whether explicit lineage names a dataset, under one of its names, as a source of what edges write. None: the
    lineage of these edges is not explicit. `explicit`: id of an edge → the datasets that it is made of."""
    known = [explicit[edge] for edge in of if edge in explicit]
    return any(names & sources for sources in known) if known else None


def use_of(edge: NamedEdge, of: Round) -> Use | None:
    """Return how an edge is in use. None: it is past, or only changes what the dataset is called or whether it is."""
    if not moves_data(edge.direction, edge.effects):
        return None
    if edge.id in of.edge_ids:
        return "current" if edge.effects & ~(IMPLIED | EXPLICIT) else "implied"
    if edge.declared_at is not None and edge.declared_at == of.declared_at:
        return "declared"
    if of.run_at is not None and edge.last_event_hour >= of.run_at - VARYING:
        return "varying"
    return None


def moves_data(direction: str, effects: int) -> bool:
    """Tell whether an edge makes a writer or a reader: who only renames, alters, empties or drops a dataset does not
    write it."""
    return bool(effects & DATA) or bool(effects & IMPLIED and (direction == READS or effects & EXPLICIT))


def strongest(uses: Iterable[Use | None]) -> Use | None:
    """Return the strongest use among those of edges that are one line. None: all are past."""
    return min((use for use in uses if use), key=USES.index, default=None)
