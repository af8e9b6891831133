"""Removal of a connection with everything that it sent.

The part for which people wait is short: its keys end, and no page shows it any more. Its rows are then deleted in small
transactions, for as long as a request may take. `manage.py maintain` deletes the rest.
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
from lineage.models import (
    Activity,
    Alias,
    Change,
    Check,
    Content,
    Dataset,
    Edge,
    Event,
    Extraction,
    Fact,
    Job,
    Mark,
    Measure,
    Relation,
    Run,
    Transition,
)

log = structlog.get_logger(__name__)

# Time that a request may spend on deleting rows.
_BUDGET_SECONDS: Final = 2.0
# Rows in one transaction: few, so that each is short, whatever the events' size.
CHUNK: Final = 2000

# Tables, in the order of deletion, with the columns of the primary key after connection_id, which sort the rows.
_TABLES: Final[tuple[tuple[models.Manager[Any], tuple[str, ...]], ...]] = (
    (Mark.objects, ("id",)),
    (Transition.objects, ("id",)),
    *((model.objects, ("id",)) for model in (Extraction, Relation, Check, Measure, Change, Alias, Fact, Content)),
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
    """Numbers of what is removed with a connection. Stored events are removed, too, but to count them would take too
    long."""

    jobs: int
    runs: int
    keys: int


def removal_preview(connection: Connection) -> Removal:
    """Count what would be removed, for people to read before they confirm."""
    return Removal(
        jobs=Job.objects.shown().filter(connection=connection).count(),
        runs=Run.objects.filter(connection=connection).count(),
        keys=connection.api_keys.count(),
    )


def remove_connection(*, connection: Connection, now: datetime) -> None:
    """End the connection, and delete its rows for up to two seconds. A second call deletes the rest, if any."""
    end_connection(connection=connection, now=now)
    until = time.monotonic() + _BUDGET_SECONDS
    try:
        _delete(connection.pk, should_stop=lambda: time.monotonic() >= until)
    except DatabaseError:
        # The connection is removed. Rows that are left do not make the removal a failure.
        log.warning("removed_connection_not_swept", connection_id=str(connection.pk), exc_info=True)


def sweep_removed_connections(*, should_stop: Callable[[], bool] = lambda: False) -> int:
    """Delete the rows of removed connections, until `should_stop()`. Returns how many connections are completely
    deleted."""
    removed = Connection.objects.filter(removed_at__isnull=False).order_by("removed_at", "id")
    return sum(
        _delete(connection_id, should_stop=should_stop) for connection_id in removed.values_list("pk", flat=True)
    )


def _delete(connection_id: UUID, *, should_stop: Callable[[], bool]) -> bool:
    """Delete a connection's rows. False: it had to stop, or another process is at work."""
    for delete_chunk in _chunks(connection_id):
        if should_stop():
            return False
        with transaction.atomic():
            # This lock keeps other processes from deleting these rows. None are added: intake accepts no key of it.
            locked = Connection.objects.select_for_update(skip_locked=True).filter(
                pk=connection_id, removed_at__isnull=False
            )
            if locked.first() is None:
                return False
            delete_chunk()
    log.info("removed_connection_swept", connection_id=str(connection_id))
    return True


def _chunks(connection_id: UUID) -> Iterator[Callable[[], object]]:
    """Yield deletions, each for a transaction of its own. The last one deletes the connection itself."""
    for table, key in _TABLES:
        rows = table.filter(connection_id=connection_id)
        # Each chunk starts where the last one ended. The planner's statistics still count deleted rows: without a start
        # it would estimate most of the table for each chunk, and read all of it.
        rest = rows
        while end := rest.order_by(*key).values_list(*key)[CHUNK - 1 : CHUNK].first():
            yield rest.filter(_up_to(key, end)).delete
            rest = rows.filter(**{f"{key[0]}__gte": end[0]})
        if rows.exists():
            yield rows.delete
    yield Connection.objects.filter(pk=connection_id).delete


def _up_to(key: tuple[str, ...], end: tuple[Any, ...]) -> Q:
    """Condition `key <= end`, as PostgreSQL compares rows. Its first part lets PostgreSQL use the index and choose
    partitions."""
    condition = Q(**{f"{key[0]}__lte": end[0]})
    if len(key) > 1:
        condition &= Q(**{f"{key[0]}__lt": end[0]}) | Q(**{f"{key[1]}__lte": end[1]})
    return condition
