"""Settles run rows that tests make directly, as digest's rows are settled."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from lineage.models import Run
from lineage.states.marks import add_marks
from lineage.states.settle import settle


def settle_rows(connection_id: UUID, now: datetime | None = None) -> None:
    """Computes what all runs of the connection are shown as, and counts the runs of their jobs."""
    add_marks(connection_id, Run.objects.filter(connection_id=connection_id).values_list("id", flat=True))
    settle(connection_id, now=now or timezone.now())


def save_runs(runs: Iterable[Run]) -> list[Run]:
    """Saves new runs and settles them and their families. Returns them as they are stored, in the order given.

    A run without a run id gets the id of its row as such.
    """
    rows = list(runs)
    for run in rows:
        run.run_id = run.run_id or run.id
    keys = [(run.connection_id, run.id) for run in Run.objects.bulk_create(rows)]
    for connection_id in {connection_id for connection_id, _ in keys}:
        add_marks(connection_id, [run_id for of, run_id in keys if of == connection_id])
        settle(connection_id, now=timezone.now())
    stored = Run.objects.filter(id__in=[run_id for _, run_id in keys])
    by_key = {(run.connection_id, run.id): run for run in stored}
    return [by_key[key] for key in keys]
