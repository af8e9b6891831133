"""Removing a connection with all that it sent.

What people wait for is short: its keys end and nothing shows it any more. Its rows then go in small transactions,
for as long as a request may take; what is left, `manage.py maintain` deletes.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import DatabaseError, models, transaction
from django.db.models import Q

from connections.actions import end_connection
from connections.models import Attempt, Connection
from lineage.models import Activity, Dataset, Edge, Event, Job, Mark, Run, Transition

log = structlog.get_logger(__name__)

# How long a request goes on deleting rows.
_BUDGET_SECONDS: Final = 2.0
# Rows in one transaction: few enough for each to be short, whatever the events' size.
CHUNK: Final = 2000

# Each table's rows go in the order of its primary key, which begins with connection_id, then has these.
_TABLES: Final[tuple[tuple[models.Manager[Any], tuple[str, ...]], ...]] = (
    (Mark.objects, ("id",)),
    (Transition.objects, ("id",)),
    (Edge.objects, ("id",)),
    (Dataset.objects, ("id",)),
    (Run.objects, ("id",)),
    (Job.objects, ("id",)),
    (Event.objects, ("event_time", "id")),
    (Activity.objects, ("connection_id",)),
    (Attempt.objects, ("id",)),
)


@dataclass(frozen=True, slots=True)
class Removal:
    """What goes with a connection. Its stored events go as well; counting them would take as long as deleting them."""

    jobs: int
    runs: int
    keys: int


def what_goes(connection: Connection) -> Removal:
    """For people to read before they confirm."""
    return Removal(
        jobs=Job.objects.shown().filter(connection=connection).count(),
        runs=Run.objects.filter(connection=connection).count(),
        keys=connection.api_keys.count(),
    )


def remove_connection(*, connection: Connection, now: datetime) -> None:
    """Ends the connection, and deletes its rows for up to two seconds. A second call does the rest, or nothing."""
    end_connection(connection=connection, now=now)
    until = time.monotonic() + _BUDGET_SECONDS
    try:
        _delete(connection.pk, enough=lambda: time.monotonic() >= until)
    except DatabaseError:
        # It is removed; that its rows are still there is no reason to say that it failed.
        log.warning("removed_connection_not_swept", connection_id=str(connection.pk), exc_info=True)


def sweep_removed_connections(*, enough: Callable[[], bool] = lambda: False) -> int:
    """Deletes what removed connections left, until `enough()`. The number of connections that are wholly gone."""
    removed = Connection.objects.filter(removed_at__isnull=False).order_by("removed_at", "id")
    return sum(_delete(connection_id, enough=enough) for connection_id in removed.values_list("pk", flat=True))


def _delete(connection_id: UUID, *, enough: Callable[[], bool]) -> bool:
    """Whether the connection is gone: False when it was enough before, or when another process is at it."""
    for delete_chunk in _chunks(connection_id):
        if enough():
            return False
        with transaction.atomic():
            # Nobody else deletes the same rows meanwhile, and none come: the intake finds no key of it.
            mine = Connection.objects.select_for_update(skip_locked=True).filter(
                pk=connection_id, removed_at__isnull=False
            )
            if mine.first() is None:
                return False
            delete_chunk()
    log.info("removed_connection_swept", connection_id=str(connection_id))
    return True


def _chunks(connection_id: UUID) -> Iterator[Callable[[], object]]:
    """Steps to be taken one after the other, each in a transaction. The last one deletes the connection itself."""
    for table, key in _TABLES:
        rows = table.filter(connection_id=connection_id)
        # From where the last chunk ended: the planner, whose statistics still count what is gone, would else take
        # the rows up to the next end for most of the table, and read all of it for each chunk.
        rest = rows
        while end := rest.order_by(*key).values_list(*key)[CHUNK - 1 : CHUNK].first():
            yield rest.filter(_up_to(key, end)).delete
            rest = rows.filter(**{f"{key[0]}__gte": end[0]})
        if rows.exists():
            yield rows.delete
    yield Connection.objects.filter(pk=connection_id).delete


def _up_to(key: tuple[str, ...], end: tuple[Any, ...]) -> Q:
    """`key <= end`, as PostgreSQL compares rows. The first condition is what its index and partitions need."""
    condition = Q(**{f"{key[0]}__lte": end[0]})
    if len(key) > 1:
        condition &= Q(**{f"{key[0]}__lt": end[0]}) | Q(**{f"{key[1]}__lte": end[1]})
    return condition
