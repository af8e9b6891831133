"""Search for runs that became lost because time passed. No event reports that, so `maintain` searches each minute."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from connections.models import Connection
from lineage.database.metrics import Failure
from lineage.database.sessions import kind_of
from lineage.runs.ancestors import ChildRun, ancestors_of
from lineage.runs.finished_ancestor import finished_ancestor
from lineage.states.marks import add_marks, marked_connections
from lineage.states.rules import GRACE
from lineage.states.settle import settle

# _CHUNK: runs examined together. _MOST: overdue runs of one sweep; the next sweep takes the others.
_CHUNK: Final = 1000
_MOST: Final = 10_000

_DUE: Final = """
SELECT run.connection_id, run.id FROM lineage_run AS run
WHERE run.shown_state = 'RUNNING' AND run.lost_after <= %s ORDER BY run.lost_after LIMIT %s
"""
# One query without pages: most running runs sent events lately, so few rows are found, and to find the next page of few
# rows PostgreSQL may read all runs by their key.
_SILENT: Final = """
SELECT run.connection_id, run.id, run.run_id, run.parent_run_id, run.parent_job_name, run.silent_since
FROM lineage_run AS run
WHERE run.shown_state = 'RUNNING' AND run.parent_run_id IS NOT NULL AND run.silent_since < %s
"""


def sweep(now: datetime, *, should_stop: Callable[[], bool] = lambda: False) -> int:
    """Mark the runs that are lost by now, and settle all marks, until `should_stop()`. Returns how many runs changed.

    Several processes may run this at once: settlers of one connection wait for each other.
    """
    _mark(_due(now))
    for silent in _silent(now):
        _mark(silent)
    return settle_all(now=now, should_stop=should_stop)


def settle_all(*, now: datetime, should_stop: Callable[[], bool] = lambda: False) -> int:
    """Settle the marks of each connection, also those left by a crash. Returns how many runs changed.

    If a connection fails, for example because one of its rows stays locked, the others are settled before its error is
    raised. An error that says that PostgreSQL is unavailable is raised at once.
    """
    changed, failed = 0, None
    for connection_id in marked_connections():
        if should_stop():
            break
        try:
            changed += settle(connection_id, now=now).runs
        except DatabaseError as error:
            if kind_of(error) in (Failure.LOST, Failure.POOL):
                raise
            failed = failed or error
    if failed is not None:
        raise failed
    return changed


def _due(now: datetime) -> list[tuple[UUID, UUID]]:
    """Return (connection id, id) of overdue runs, the longest overdue first; _MOST at most."""
    return _query(_DUE, [now, _MOST])


def _silent(now: datetime) -> Iterator[list[tuple[UUID, UUID]]]:
    """Find silent runs with a finished ancestor. Yields chunks of (connection id, id)."""
    silent = _query(_SILENT, [now - GRACE])
    for start in range(0, len(silent), _CHUNK):
        rows = silent[start : start + _CHUNK]
        ancestors = ancestors_of((ChildRun(*row[:5]) for row in rows), Connection.objects.live())
        found = []
        for connection_id, id_, *_, silent_since in rows:
            ended = finished_ancestor(silent_since, ancestors[connection_id, id_])
            if ended is not None and ended.finished_at + GRACE <= now:
                found.append((connection_id, id_))
        yield found


def _mark(runs: Iterable[tuple[UUID, UUID]]) -> None:
    by_connection: dict[UUID, list[UUID]] = {}
    for connection_id, run_id in runs:
        by_connection.setdefault(connection_id, []).append(run_id)
    with transaction.atomic():
        for connection_id, run_ids in by_connection.items():
            add_marks(connection_id, run_ids)


def _query(statement: str, parameters: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[Any] = cursor.fetchall()
        return rows
