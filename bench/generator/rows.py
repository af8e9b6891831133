"""Rows that the product would make of planned runs, without digesting each of their events.

Runs of a plan with equal duration and last event differ only in ids and times. So the product folds the events of two
sample runs, and their rows show how each column is computed: a value equal in both is constant; an id is that of the
run, its parent or its job; a list of ids is that of the job's edges; a time has a fixed distance from the run's start.
tests/bench compares the rows with those that digest stores.
"""

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from datetime import datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from bench.generator.plan import PlannedRun
from lineage.digest.fold import ReceivedEvent, Rows, fold
from lineage.events import Event, decode_event
from lineage.events.identity import run_row_id
from lineage.rows.run_row import RunRow
from lineage.states.rules import Family, FamilyRun, Shown, lost_after, patience_of_job, shown

_OWN_COLUMNS = [field.name for field in fields(RunRow)]
RUN_COLUMNS = [
    *_OWN_COLUMNS,
    *("shown_state", "shown_ended_at", "is_hidden", "lost_after", "joined_in", "shares_run_id"),
]
# Type of the last event → state.
_STATES = {"COMPLETE": "COMPLETED", "FAIL": "FAILED", "RUNNING": "RUNNING"}
_values = attrgetter(*_OWN_COLUMNS)
_SAMPLES = (
    PlannedRun(UUID(int=1), UUID(int=2), job=10, began=datetime.fromisoformat("2026-01-01T00:00:00Z"), last_type=""),
    PlannedRun(UUID(int=3), UUID(int=4), job=30, began=datetime.fromisoformat("2026-02-03T04:05:06Z"), last_type=""),
)

Column = Callable[[PlannedRun], Any]


def fold_events(connection_id: UUID, bodies: Iterable[bytes]) -> Rows:
    return fold(_received(connection_id, decode_event(body)) for body in bodies)


def _received(connection_id: UUID, event: Event) -> ReceivedEvent:
    """Planned events are received when they take place."""
    return ReceivedEvent(connection_id, event, event.event_time)


class RunRows:
    """Rows of lineage_run, each as the values of RUN_COLUMNS."""

    def __init__(self, connection_id: UUID) -> None:
        self._connection_id = connection_id
        self._columns = cache(self._learn)
        self._of_job = cache(self._learn_job)

    def row(self, run: PlannedRun) -> list[Any]:
        return [value_of(run) for value_of in self._columns(run.last_type, run.lasts)]

    def id_of(self, run: PlannedRun) -> UUID:
        return run_row_id(run.id, self._of_job(run.job)[0], None)

    def _learn(self, last_type: str, lasts: timedelta) -> list[Column]:
        """Return the function that computes each column, for runs with this end."""
        samples = [replace(sample, last_type=last_type, lasts=lasts) for sample in _SAMPLES]
        return [self._column(samples, values) for values in zip(*map(self._folded, samples), strict=True)]

    def _folded(self, run: PlannedRun) -> list[Any]:
        [row] = fold_events(self._connection_id, (run.body(*event) for event in run.events)).runs.values()
        own = [sorted(value) if isinstance(value, frozenset) else value for value in _values(row)]
        return [*own, *_shown(row, state=_STATES[run.last_type])]

    def _column(self, samples: list[PlannedRun], values: tuple[Any, ...]) -> Column:
        candidates: list[Column] = [
            lambda _run: values[0],
            lambda run: run.id,
            self.id_of,
            lambda run: run.parent,
            lambda run: self._of_job(run.job)[0],
            lambda run: self._of_job(run.job)[1],
        ]
        if isinstance(values[0], datetime):
            offset = values[0] - samples[0].began
            candidates.append(lambda run: run.began + offset)
        for candidate in candidates:
            if values == tuple(map(candidate, samples)):
                return candidate
        raise AssertionError(f"a column that is neither an id nor a time differs between runs: {values}")

    def _learn_job(self, job: int) -> tuple[UUID, list[UUID]]:
        """Return the ids of a job and of its edges."""
        run = replace(_SAMPLES[0], job=job)
        rows = fold_events(self._connection_id, [run.body("START", run.began)])
        [(_, job_id)] = rows.jobs
        return job_id, sorted(row[1] for row in rows.edges.values())


def _shown(row: RunRow, *, state: str) -> Shown:
    """Compute the shown values of a run that has no relatives, is not lost yet, and whose job never takes long."""
    others = {"state": state, "run_at": row.started_at or row.first_event_at, "silent_since": row.last_event_at}
    run = FamilyRun(*(others[name] if name in others else getattr(row, name) for name in FamilyRun._fields))
    its = shown(run, Family([run]))
    patience = patience_of_job(is_endless=False, p95=None)
    return its._replace(lost_after=lost_after(run, patience=patience, ended=None)) if state == "RUNNING" else its
