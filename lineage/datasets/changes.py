"""Changes of a dataset's life: created, overwritten, altered, renamed, emptied, dropped."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q

from lineage.models import Change, Dataset, Run, RunState

NO_RUN: Final = UUID(int=0)
MOST_CHANGES: Final = 100
# Changes that write no data.
WITHOUT_DATA: Final = ("ALTER", "RENAME", "DROP", "TRUNCATE")


@dataclass(frozen=True, slots=True)
class LifeChange:
    """Change of a dataset. Of a RENAME: `dataset` is the new name, `previous` the old one. `run`: None if no run made
    it."""

    change: str
    at: datetime
    dataset: Dataset
    previous: Dataset | None
    run: Run | None


def counts(change: Change, states: Mapping[tuple[UUID, UUID], str]) -> bool:
    """Tell whether a change took place: its run completed, or no run made it."""
    return change.run_id == NO_RUN or states.get((change.connection_id, change.run_id)) == RunState.COMPLETED


def dropped_at(changes: Iterable[LifeChange], ids: Collection[UUID], written_at: datetime | None) -> datetime | None:
    """Return when a dataset was dropped, or renamed to another name. None: it was written or made again after that."""
    gone = [one.at for one in changes if _ends(one, ids)]
    back = [one.at for one in changes if one.dataset.id in ids and one.change != "DROP"]
    last = max(gone, default=None)
    if last is None or (written_at and written_at > last) or max(back, default=last) > last:
        return None
    return last


def _ends(one: LifeChange, ids: Collection[UUID]) -> bool:
    if one.change == "RENAME":
        return one.dataset.id not in ids
    return one.change == "DROP" and one.dataset.id in ids


def read_changes(ids: Collection[UUID], connection_ids: Collection[UUID], most: int = MOST_CHANGES) -> list[LifeChange]:
    """Read the changes of datasets, the latest first. Three queries."""
    rows = Change.objects.filter(Q(dataset_id__in=ids) | Q(previous_id__in=ids), connection_id__in=connection_ids)
    changes = list(rows.order_by("-at", "id")[:most])
    runs = {(run.connection_id, run.id): run for run in _runs_of(changes)}
    states = {key: run.shown_state for key, run in runs.items()}
    happened = [change for change in changes if counts(change, states)]
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
