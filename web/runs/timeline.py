"""Child runs of a run on an axis of time: a row for each job, or instance of a mapped one, with all its tries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple
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
LegendKey = Literal["retried", "wait", "gone", "usual"]


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


class Bar(NamedTuple):
    """Part of a row's line, in percent of the axis. `kind`: the state of a run in lower case, or `gone`: the time
    after the last event of a run that is lost."""

    kind: str
    x: float
    width: float


class Wait(NamedTuple):
    """Time between two tries, in percent of the axis."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """Job, or instance of a mapped one. `run`: its last try on this page; `tries`: those before it. `usual`: median
    duration of the job, and `usual_end`: where it ends if the first try began the job, in percent; None: not known.
    `silent`: why it sent no event, and is known from its parent run alone; empty if it sent one."""

    run: Run
    # Without the name of the parent's job in front, which each task of a DAG repeats.
    name: str
    duration: timedelta | None
    tries: Sequence[Run]
    in_other_connection: bool
    bars: Sequence[Bar]
    waits: Sequence[Wait]
    usual: timedelta | None
    usual_end: float | None
    silent: str

    @property
    def names_try(self) -> bool:
        """True if the number of the try says more than that the first one completed."""
        run = self.run
        is_first = run.attempt in (None, 1) and (run.shown_state == RunState.COMPLETED or run.shown_max_attempts == 1)
        return run.attempt is not None and (not is_first or bool(self.tries))


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
    usual: Mapping[UUID, timedelta],
) -> list[TimelineRow]:
    """`runs` by when they took place; `prefix`: cut from their names; `why_silent`: gives the reason for a task's name
    that sent no event; `usual`: job id → median duration."""
    tries: dict[tuple[UUID, UUID, int | None], list[Run]] = {}
    for run in runs:
        # Without a number, runs of one job are no tries of each other.
        key = run.job_id if run.attempt is not None else run.id
        tries.setdefault((run.connection_id, key, run.map_index), []).append(run)
    rows = []
    for of_task in tries.values():
        run = of_task[-1]
        name = run.job.name.removeprefix(f"{prefix}.") if prefix else run.job.name
        is_silent = run.state_from_parent is not None
        drawn = axis if not is_silent else None
        row = TimelineRow(
            run=run,
            name=name,
            duration=run_duration(run, now=now),
            tries=of_task[:-1],
            in_other_connection=run.connection_id != connection_id,
            bars=bars_of(of_task, drawn) if drawn else (),
            waits=_waits(of_task, drawn) if drawn else (),
            usual=usual.get(run.job_id),
            usual_end=_usual_end(of_task[0], drawn, usual.get(run.job_id)) if drawn else None,
            silent=why_silent(name) if is_silent else "",
        )
        rows.append(row)
    return rows


def legend_of(rows: Sequence[TimelineRow]) -> list[tuple[LegendKey, str]]:
    """(class of a key, words) of what the rows show and a state beside them does not say."""
    kinds = {bar.kind for row in rows for bar in row.bars}
    found: list[tuple[LegendKey, str, bool]] = [
        ("retried", "failed try, retried", "retried" in kinds),
        ("wait", "waits to retry", any(row.waits for row in rows)),
        ("gone", "lost: no event since", "gone" in kinds),
        ("usual", "usual end", any(row.usual_end is not None for row in rows)),
    ]
    return [(key, words) for key, words, occurs in found if occurs]


def bars_of(tries: Sequence[Run], axis: Axis) -> list[Bar]:
    """Return a bar for each try; after a lost one another, to the end of the axis."""
    bars = [Bar(run.shown_state.lower(), *_place(run, axis)) for run in tries]
    last = bars[-1]
    end = round(last.x + last.width, 2)
    if tries[-1].shown_state == RunState.LOST and end < _WHOLE:
        bars.append(Bar("gone", end, round(_WHOLE - end, 2)))
    return bars


def _waits(tries: Sequence[Run], axis: Axis) -> list[Wait]:
    places = [Wait(axis.at(_end(before)), axis.at(_start(run))) for before, run in pairwise(tries)]
    return [wait for wait in places if wait.start < wait.end]


def _usual_end(first: Run, axis: Axis, usual: timedelta | None) -> float | None:
    """Return where the job would have ended. None: not known, beyond the axis, or it did not run."""
    did_not_run = first.started_at is None or first.shown_state in (RunState.SKIPPED, RunState.UPSTREAM_FAILED)
    if usual is None or did_not_run or _start(first) + usual > axis.end:
        return None
    return axis.at(_start(first) + usual)


def _place(run: Run, axis: Axis) -> tuple[float, float]:
    """Return the left end and the width of a run's bar."""
    end = axis.end if run.shown_ended_at is None and run.shown_state == RunState.RUNNING else _end(run)
    x = min(axis.at(_start(run)), _WHOLE - _NARROWEST)
    return x, round(max(axis.at(end) - x, _NARROWEST), 2)


def _start(run: Run) -> datetime:
    return plausible(run.started_at or run.first_event_at, run.received_at)


def _end(run: Run) -> datetime:
    return plausible(run.shown_ended_at or run.last_event_at, run.last_received_at)
