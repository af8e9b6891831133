"""What becomes lost as time goes by: looked for each minute, since no event tells it."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from lineage.runs.ancestors import Child, ancestors_of
from lineage.runs.ended_above import ended_above
from lineage.states.marks import add_marks, marked_connections
from lineage.states.rules import GRACE
from lineage.states.settle import settle

# Runs that are looked at at once; and those of one sweep whose deadline has passed: the next one takes the others.
_CHUNK: Final = 1000
_MOST: Final = 10_000

_DUE: Final = """
SELECT run.connection_id, run.id FROM lineage_run AS run
WHERE run.shown_state = 'RUNNING' AND run.lost_after <= %s ORDER BY run.lost_after LIMIT %s
"""
# Most of what runs was heard of lately. All at once: to find the next page of few, PostgreSQL may read all runs by key.
_SILENT: Final = """
SELECT run.connection_id, run.id, run.parent_run_id, run.parent_job_name, run.last_event_at FROM lineage_run AS run
WHERE run.shown_state = 'RUNNING' AND run.parent_run_id IS NOT NULL AND run.last_event_at < %s
"""


def sweep(now: datetime, *, enough: Callable[[], bool] = lambda: False) -> int:
    """Marks the runs that are lost by now, and settles all marks, until `enough()`. How many runs changed.

    Any number of processes may do so at once: settlers of one connection take turns.
    """
    _mark(_due(now))
    for silent in _silent(now):
        _mark(silent)
    return settle_all(now=now, enough=enough)


def settle_all(*, now: datetime, enough: Callable[[], bool] = lambda: False) -> int:
    """Settles what a crash may have left, connection by connection. How many runs changed."""
    changed = 0
    for connection_id in marked_connections():
        if enough():
            break
        changed += settle(connection_id, now=now).runs
    return changed


def _due(now: datetime) -> list[tuple[UUID, UUID]]:
    """(connection id, id) of runs whose deadline has passed, the longest ago first; _MOST at most."""
    return _ask(_DUE, [now, _MOST])


def _silent(now: datetime) -> Iterator[list[tuple[UUID, UUID]]]:
    """(connection id, id) of runs that a run above ended without, by chunks of those that have been silent for long."""
    silent = _ask(_SILENT, [now - GRACE])
    for start in range(0, len(silent), _CHUNK):
        rows = silent[start : start + _CHUNK]
        ancestors = ancestors_of(Child(*row[:4]) for row in rows)
        found = []
        for connection_id, id_, *_, last_event_at in rows:
            ended = ended_above(last_event_at, ancestors[connection_id, id_])
            if ended is not None and ended.over_at + GRACE <= now:
                found.append((connection_id, id_))
        yield found


def _mark(runs: Iterable[tuple[UUID, UUID]]) -> None:
    by_connection: dict[UUID, list[UUID]] = {}
    for connection_id, run_id in runs:
        by_connection.setdefault(connection_id, []).append(run_id)
    with transaction.atomic():
        for connection_id, run_ids in by_connection.items():
            add_marks(connection_id, run_ids)


def _ask(question: str, parameters: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(question, parameters)
        rows: list[Any] = cursor.fetchall()
        return rows
