"""Changes of a dataset's life: created, overwritten, altered, renamed, emptied, dropped."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db.models import Q

from lineage.database.reading import NOW, read_rows
from lineage.datasets.aliases import bound_names
from lineage.models import Change, Dataset, Run, RunState

NO_RUN: Final = UUID(int=0)
MOST_CHANGES: Final = 100
# Changes that write no data.
WITHOUT_DATA: Final = ("ALTER", "RENAME", "DROP", "TRUNCATE")
# Changes of one name among which the last ones are looked for that took place.
_MOST_LATEST: Final = 50

# Condition on a change: no run made it, or that run completed. A change whose run was deleted took place: with a run
# that did not complete its changes go. OFFSET makes PostgreSQL look into an index.
TOOK_PLACE: Final = """NOT EXISTS (
    SELECT FROM lineage_run AS run
    WHERE run.connection_id = change.connection_id AND run.id = change.run_id AND run.shown_state <> 'COMPLETED'
    OFFSET 0
)"""
_LATEST: Final = f"""
SELECT wanted.id, change.change, change.at, change.dataset_id
FROM unnest(%(ids)s::uuid[], %(names)s::uuid[]) AS wanted (id, name)
CROSS JOIN LATERAL (
    (SELECT * FROM lineage_change AS one
     WHERE one.dataset_id = wanted.name AND one.connection_id = ANY(%(connections)s) AND one.at <= %(at)s
     ORDER BY one.at DESC LIMIT {_MOST_LATEST})
    UNION ALL
    (SELECT * FROM lineage_change AS one
     WHERE one.previous_id = wanted.name AND one.connection_id = ANY(%(connections)s) AND one.at <= %(at)s
     ORDER BY one.at DESC LIMIT {_MOST_LATEST})
) AS change
WHERE {TOOK_PLACE}
"""  # noqa: S608 - made of constants


class TookPlace(NamedTuple):
    """Change that took place. `dataset_id`: of a RENAME that of the new name."""

    change: str
    at: datetime
    dataset_id: UUID


@dataclass(frozen=True, slots=True)
class LifeChange:
    """Change of a dataset. Of a RENAME: `dataset` is the new name, `previous` the old one. `run`: None if no run made
    it."""

    change: str
    at: datetime
    dataset: Dataset
    previous: Dataset | None
    run: Run | None


def took_place(change: Change, states: Mapping[tuple[UUID, UUID], str]) -> bool:
    """Tell whether a change took place: its run completed, or is not stored any more, or no run made it. `states`:
    (connection id, run id) → shown state."""
    return states.get((change.connection_id, change.run_id), RunState.COMPLETED) == RunState.COMPLETED


def dropped_at(changes: Iterable[TookPlace], ids: Collection[UUID], written_at: datetime | None) -> datetime | None:
    """Return when a dataset was dropped, or renamed to another name. None: it was written or made again after that."""
    changes = list(changes)
    gone = [one.at for one in changes if _ends(one, ids)]
    back = [one.at for one in changes if one.dataset_id in ids and one.change != "DROP"]
    last = max(gone, default=None)
    if last is None or (written_at and written_at > last) or max(back, default=last) > last:
        return None
    return last


def _ends(one: TookPlace, ids: Collection[UUID]) -> bool:
    if one.change == "RENAME":
        return one.dataset_id not in ids
    return one.change == "DROP" and one.dataset_id in ids


def read_drops(
    names: Mapping[UUID, Collection[UUID]],
    connection_ids: Collection[UUID],
    written: Mapping[UUID, datetime],
    *,
    at: datetime = NOW,
) -> dict[UUID, datetime]:
    """Return dataset id → when it was dropped, of those that are. `names`: dataset id → ids of all its names.
    `written`: dataset id → end of its last write. One query."""
    bound = {**bound_names(names), "connections": list(connection_ids), "at": at}
    rows = read_rows(_LATEST, bound) if names else []
    found: dict[UUID, list[TookPlace]] = {}
    for id_, *row in rows:
        found.setdefault(id_, []).append(TookPlace(*row))
    ends = {id_: dropped_at(changes, names[id_], written.get(id_)) for id_, changes in found.items()}
    return {id_: end for id_, end in ends.items() if end is not None}


def read_changes(ids: Collection[UUID], connection_ids: Collection[UUID], most: int = MOST_CHANGES) -> list[LifeChange]:
    """Read the changes of datasets, the latest first. Three queries."""
    rows = Change.objects.filter(Q(dataset_id__in=ids) | Q(previous_id__in=ids), connection_id__in=connection_ids)
    changes = list(rows.order_by("-at", "id")[:most])
    runs = {(run.connection_id, run.id): run for run in _runs_of(changes)}
    states = {key: run.shown_state for key, run in runs.items()}
    happened = [change for change in changes if took_place(change, states)]
    wanted = {id_ for change in happened for id_ in (change.dataset_id, change.previous_id) if id_}
    found = Dataset.objects.filter(connection_id__in=connection_ids, id__in=wanted) if wanted else ()
    datasets = {dataset.id: dataset for dataset in found}
    return [
        LifeChange(
            change.change,
            change.at,
            datasets[change.dataset_id],
            datasets.get(change.previous_id) if change.previous_id else None,
            runs.get((change.connection_id, change.run_id)),
        )
        for change in happened
        if change.dataset_id in datasets
    ]


def _runs_of(changes: Iterable[Change]) -> Iterable[Run]:
    wanted = [change for change in changes if change.run_id != NO_RUN]
    if not wanted:
        return ()
    runs = Run.objects.filter(
        connection_id__in={change.connection_id for change in wanted}, id__in={change.run_id for change in wanted}
    )
    return runs.only("connection_id", "id", "run_id", "job_id", "map_index", "shares_run_id", "shown_state")
