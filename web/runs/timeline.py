"""The child runs of a run on an axis of time: one row a run, the tries of a task below each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from lineage.models import Run, RunState
from web.components.charts.scales import duration_label

# The axis in percent of the drawing's width; a bar is never too narrow to be seen.
_WHOLE = 100.0
_NARROWEST = 0.6
_STEPS = [timedelta(seconds=s) for s in (1, 2, 5, 10, 15, 30)]
_STEPS += [timedelta(minutes=m) for m in (1, 2, 5, 10, 15, 30)]
_STEPS += [timedelta(hours=h) for h in (1, 2, 3, 6, 12, 24, 48, 96, 24 * 7, 24 * 28)]
_MOST_MARKS = 5
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Axis:
    """From the first start to the last end that is shown. Times are told since `origin`, when the whole run began."""

    start: datetime
    end: datetime
    origin: datetime

    def at(self, time: datetime) -> float:
        span = (self.end - self.start) / timedelta(microseconds=1)
        place = (time - self.start) / timedelta(microseconds=1) / span if span > 0 else 0
        return round(_WHOLE * min(max(place, 0), 1), 2)

    @cached_property
    def marks(self) -> list[tuple[float, str]]:
        """(place, time since the origin) of round steps."""
        span = self.end - self.start
        step = next((step for step in _STEPS if span / step <= _MOST_MARKS), None)
        if step is None or span <= timedelta(0):
            return []
        first, last = -((self.origin - self.start) // step), (self.end - self.origin) // step
        return [(self.at(self.origin + step * n), duration_label((step * n) / _SECOND)) for n in range(first, last + 1)]

    @cached_property
    def lines(self) -> SafeString:
        """The marks behind each row's bar: the same for all, so they are written once."""
        return format_html_join("", '<line x1="{0}%" x2="{0}%" y1="0" y2="100%"></line>', ((x,) for x, _ in self.marks))


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
    # Why it sent no event, and only its DAG run told of it; empty where it did.
    silent: str


def duration_of(run: Run, *, now: datetime) -> timedelta | None:
    """How long it took, or runs already; None where that is not known."""
    end = now if run.shown_state == RunState.RUNNING else run.shown_ended_at
    if run.started_at is None or end is None or end < run.started_at:
        return None
    return end - run.started_at


def axis_of(parent: Run | None, rows: Sequence[Run], *, is_whole: bool, now: datetime) -> Axis | None:
    """Of the rows that are shown; of the whole run where they are all of its children (`is_whole`). None without any.

    What still runs reaches to now, by the minute, so that the drawing stays as it is meanwhile.
    """
    heard = [run for run in rows if run.told_state is None]
    began = parent.started_at if parent else None
    starts, ends = [run.run_at for run in heard], [run.shown_ended_at or run.last_event_at for run in heard]
    if any(run.shown_state == RunState.RUNNING for run in heard):
        ends.append(now.replace(second=0, microsecond=0))
    if is_whole:
        starts += [began] if began else []
        ends += [parent.ended_at] if parent and parent.ended_at else []
    if not starts or not ends:
        return None
    return Axis(min(starts), max(ends), origin=began or min(starts))


def rows_of(
    runs: Sequence[Run],
    axis: Axis | None,
    *,
    connection_id: UUID,
    prefix: str,
    now: datetime,
    why_silent: Callable[[str], str],
) -> list[TimelineRow]:
    """`runs` by when they took place; `prefix`: what their names need not repeat; `why_silent`: of the name of a task
    that sent no event."""
    tries: dict[tuple[UUID, int | None], list[Run]] = {}
    for run in runs:
        tries.setdefault((run.job_id, run.map_index), []).append(run)
    rows = []
    for position, run in ((n, run) for of_task in tries.values() for n, run in enumerate(of_task)):
        name = run.job.name.removeprefix(f"{prefix}.") if prefix else run.job.name
        x, width = _bar(run, axis) if axis and run.told_state is None else (0.0, 0.0)
        row = TimelineRow(
            run=run,
            name=name,
            duration=duration_of(run, now=now),
            another_try=position > 0,
            in_other_connection=run.connection_id != connection_id,
            x=x,
            width=width,
            silent=why_silent(name) if run.told_state is not None else "",
        )
        rows.append(row)
    return rows


def _bar(run: Run, axis: Axis) -> tuple[float, float]:
    """Where it begins, and its width."""
    end = run.shown_ended_at or (axis.end if run.shown_state == RunState.RUNNING else run.last_event_at)
    x = min(axis.at(run.run_at), _WHOLE - _NARROWEST)
    return x, round(max(axis.at(end) - x, _NARROWEST), 2)
