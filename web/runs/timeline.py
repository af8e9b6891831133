"""The child runs of a run on an axis of time: one row a run, the tries of a task below each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from lineage.events.clocks import plausible
from lineage.models import Run, RunState
from lineage.runs.durations import run_duration
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
    """The span from the first shown start to the last shown end. Its labels count from `origin`, the run's start."""

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
        """The marks behind the bars: all rows share them, so they are written once."""
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
    # Why it sent no event, and is known from its DAG run alone; empty if it sent one.
    silent: str


def axis_of(parent: Run | None, rows: Sequence[Run], *, is_whole: bool, now: datetime) -> Axis | None:
    """The axis of the shown rows, or of the whole run if they are all its children (`is_whole`). None without rows.

    A bar of a running run ends now, rounded to the minute, so that the drawing does not change all the time.
    """
    sent = [run for run in rows if run.state_from_parent is None]
    began = _start(parent) if parent and parent.started_at else None
    starts, ends = [_start(run) for run in sent], [_end(run) for run in sent]
    if any(run.shown_state == RunState.RUNNING for run in sent):
        ends.append(now.replace(second=0, microsecond=0))
    if is_whole:
        starts += [began] if began else []
        ends += [plausible(parent.ended_at, parent.last_received_at)] if parent and parent.ended_at else []
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
    """`runs` by when they took place; `prefix`: cut from their names; `why_silent`: gives the reason for a task's name
    that sent no event."""
    tries: dict[tuple[UUID, int | None], list[Run]] = {}
    for run in runs:
        tries.setdefault((run.job_id, run.map_index), []).append(run)
    rows = []
    for position, run in ((n, run) for of_task in tries.values() for n, run in enumerate(of_task)):
        name = run.job.name.removeprefix(f"{prefix}.") if prefix else run.job.name
        x, width = _bar(run, axis) if axis and run.state_from_parent is None else (0.0, 0.0)
        row = TimelineRow(
            run=run,
            name=name,
            duration=run_duration(run, now=now),
            another_try=position > 0,
            in_other_connection=run.connection_id != connection_id,
            x=x,
            width=width,
            silent=why_silent(name) if run.state_from_parent is not None else "",
        )
        rows.append(row)
    return rows


def _bar(run: Run, axis: Axis) -> tuple[float, float]:
    """The left end and the width of a run's bar."""
    end = axis.end if run.shown_ended_at is None and run.shown_state == RunState.RUNNING else _end(run)
    x = min(axis.at(_start(run)), _WHOLE - _NARROWEST)
    return x, round(max(axis.at(end) - x, _NARROWEST), 2)


def _start(run: Run) -> datetime:
    return plausible(run.started_at or run.first_event_at, run.received_at)


def _end(run: Run) -> datetime:
    return plausible(run.shown_ended_at or run.last_event_at, run.last_received_at)
