"""The child runs of a run on an axis of time: one row a run, the tries of a task below each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from lineage.models import Run, RunState

# The axis in percent of the drawing's width; a bar is never too narrow to be seen.
_WHOLE = 100.0
_NARROWEST = 0.6
_STEPS = [timedelta(seconds=s) for s in (1, 2, 5, 10, 15, 30)]
_STEPS += [timedelta(minutes=m) for m in (1, 2, 5, 10, 15, 30)]
_STEPS += [timedelta(hours=h) for h in (1, 2, 3, 6, 12, 24, 48, 96, 24 * 7, 24 * 28)]
_MOST_MARKS = 5


@dataclass(frozen=True, slots=True)
class Axis:
    """From the first start to the last end that is known."""

    start: datetime
    end: datetime

    def at(self, time: datetime) -> float:
        span = (self.end - self.start) / timedelta(microseconds=1)
        place = (time - self.start) / timedelta(microseconds=1) / span if span > 0 else 0
        return round(_WHOLE * min(max(place, 0), 1), 2)

    @property
    def marks(self) -> list[tuple[float, timedelta]]:
        """(place, time since the start) of round steps, the start itself left out."""
        span = self.end - self.start
        step = next((step for step in _STEPS if span / step <= _MOST_MARKS), None)
        if step is None or span <= timedelta(0):
            return []
        return [(self.at(self.start + step * n), step * n) for n in range(1, int(span / step) + 1)]


@dataclass(frozen=True, slots=True)
class TimelineRow:
    run: Run
    # Without the name of the parent's job in front, which each task of a DAG repeats.
    name: str
    duration: timedelta | None
    # Not the first of its task on this page.
    another_try: bool
    in_other_connection: bool
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class SilentTask:
    """A task that Airflow names in the DAG run's final state, but that sent no run."""

    name: str
    # Airflow's own word, such as `skipped`.
    state: str


def duration_of(run: Run, *, now: datetime) -> timedelta | None:
    """How long it took, or runs already; None where that is not known."""
    end = now if run.shown_state == RunState.RUNNING else run.shown_ended_at
    if run.started_at is None or end is None or end < run.started_at:
        return None
    return end - run.started_at


def axis_of(parent: Run | None, first: datetime | None, last: datetime | None, *, now: datetime) -> Axis | None:
    """`first` and `last`: of all children, whatever page is shown. None without any.

    What still runs reaches to now, by the minute, so that the drawing stays as it is meanwhile.
    """
    starts = [at for at in (parent and parent.started_at, first) if at]
    if not starts or last is None:
        return None
    ends = [last, *([parent.ended_at] if parent and parent.ended_at else [])]
    if parent is not None and parent.shown_state == RunState.RUNNING:
        ends.append(now.replace(second=0, microsecond=0))
    return Axis(min(starts), max(ends))


def rows_of(runs: Sequence[Run], axis: Axis, *, connection_id: UUID, prefix: str, now: datetime) -> list[TimelineRow]:
    """`runs` by when they took place; `prefix`: what their names need not repeat."""
    tries: dict[tuple[UUID, int | None], list[Run]] = {}
    for run in runs:
        tries.setdefault((run.job_id, run.map_index), []).append(run)
    return [
        _row(run, axis, position, connection_id=connection_id, prefix=prefix, now=now)
        for of_task in tries.values()
        for position, run in enumerate(of_task)
    ]


def _row(run: Run, axis: Axis, position: int, *, connection_id: UUID, prefix: str, now: datetime) -> TimelineRow:
    end = run.shown_ended_at or (axis.end if run.shown_state == RunState.RUNNING else run.last_event_at)
    x = min(axis.at(run.run_at), _WHOLE - _NARROWEST)
    return TimelineRow(
        run=run,
        name=run.job.name.removeprefix(f"{prefix}.") if prefix else run.job.name,
        duration=duration_of(run, now=now),
        another_try=position > 0,
        in_other_connection=run.connection_id != connection_id,
        x=x,
        width=round(max(axis.at(end) - x, _NARROWEST), 2),
    )
