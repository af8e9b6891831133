"""Grid of a job's latest runs and the jobs that they started, as its page shows it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from lineage.events.clocks import known_duration
from lineage.jobs.child_runs import read_child_runs
from lineage.jobs.grid import MOST_INSTANCES, GridCell, GridRow, RunGrid, grid_of
from lineage.jobs.hierarchy import JobHierarchy
from lineage.models import Job, Run, RunState
from lineage.runs.durations import format_duration, run_duration
from lineage.runs.times import local
from web.components.lists import Choices
from web.templatetags.grid import CellLink
from web.templatetags.observatory import exact_words, run_url

COLUMNS: Final = 25
ROWS: Final = 30
MOST_ROWS: Final = 100
# The reader's choice of rows: those of jobs that failed, or more of them.
FAILING, ALL = "failing", "all"
# Height of the bars, in percent of their box: the longest leaves room for a mark above it.
_HIGHEST, _LOWEST = 88.0, 3.0
# Height of a label beside them.
_LABEL = 18.0


@dataclass(frozen=True, slots=True)
class ColumnHead:
    """Run above its column. `label`: day or hour, where it differs from the column before. `height`: of its bar, in
    percent; 0: its duration is not known. `words`: all that is known of it."""

    run: Run
    label: str
    height: float
    words: str

    @property
    def top(self) -> float:
        return round(100 - self.height, 1)


@dataclass(frozen=True, slots=True)
class GridTable:
    """Grid with its links and words. `longest`, `median`: durations of the bars' axis. `median_at`: place of the
    median in percent. None: not known."""

    grid: RunGrid
    choices: Choices
    heads: Sequence[ColumnHead]
    prefix: str
    has_more_jobs: bool
    longest: timedelta | None
    median: timedelta | None
    median_at: float | None

    @property
    def rows(self) -> Iterator[tuple[GridRow, str, list[CellLink | None]]]:
        """Yield each row with the short name of its job, and its cells."""
        for row in self.grid.rows:
            name = row.job.name.removeprefix(f"{self.prefix}.")
            yield row, name, [_cell_link(cell, name) if cell else None for cell in row.cells]

    @property
    def legend(self) -> list[tuple[str, str]]:
        """(glyph, words) of what occurs in the grid."""
        found = {_glyph(cell) for row in self.grid.rows for cell in row.cells if cell}
        return [(glyph, words) for glyph, words in _GLYPHS.items() if glyph in found]

    @property
    def names_longest(self) -> bool:
        """True if the label of the longest duration does not touch that of the median."""
        return self.median_at is None or self.median_at - (100 - _HIGHEST) > _LABEL

    @property
    def is_narrowed(self) -> bool:
        return self.choices["grid"] == FAILING

    @property
    def more(self) -> int:
        """Number of jobs that are left out although they belong to what the reader chose."""
        return (self.grid.failing if self.is_narrowed else self.grid.jobs) - len(self.grid.rows)

    @property
    def has_all_failing(self) -> bool:
        return self.grid.failing == sum(row.has_failure for row in self.grid.rows)

    @property
    def most_rows(self) -> int:
        """Number of rows that the reader can have; 0: there are no more than are shown."""
        return 0 if self.choices["grid"] else min(self.grid.jobs, MOST_ROWS)

    @property
    def failing_query(self) -> str:
        return self.choices.query(grid=FAILING) + "#grid"

    @property
    def first_query(self) -> str:
        return (self.choices.query(grid="") or "?") + "#grid"

    @property
    def all_query(self) -> str:
        return self.choices.query(grid=ALL) + "#grid"

    @property
    def span(self) -> str:
        """Days of the first and the last run: `2 Mar`, or `27 Feb to 2 Mar`."""
        first, last = (_day(head.run.run_at) for head in (self.heads[0], self.heads[-1]))
        return first if first == last else f"{first} to {last}"


_SOME: Final[dict[str, str]] = dict.fromkeys((RunState.FAILED, RunState.LOST, RunState.RUNNING), "at least one ")
_GLYPHS: Final = {
    "completed": "Completed",
    "repeated": "Completed after a retry",
    **{state.lower(): label for state, label in RunState.choices if state != RunState.COMPLETED},
}


def read_grid(
    job: Job,
    recent: Sequence[Run],
    family: JobHierarchy,
    choices: Choices,
    *,
    median: timedelta | None,
    now: datetime,
) -> GridTable | None:
    """Read the grid of a job. None: its latest runs started no other job. One query; none without jobs.

    `recent`: the latest first. `median`: of its durations.
    """
    columns = list(reversed(recent[:COLUMNS]))
    jobs = [child.job for child in family.children]
    if not columns or not jobs:
        return None
    rows = MOST_ROWS if choices["grid"] else ROWS
    found = read_child_runs(job, columns, jobs)
    grid = grid_of(columns, jobs, found, only_failing=choices["grid"] == FAILING, most_rows=rows)
    if grid is None:
        return None
    # A run that goes on is as long as at the full minute, so that the page does not change all the time.
    lengths = [run_duration(run, now=now.replace(second=0, microsecond=0)) for run in columns]
    longest = max(filter(None, lengths), default=None)
    # One above the longest bar has no place.
    shown_median = median if median and longest and median <= longest else None
    return GridTable(
        grid=grid,
        choices=choices,
        heads=_heads(columns, lengths, longest),
        prefix=job.name,
        has_more_jobs=family.has_more,
        longest=longest,
        median=shown_median,
        median_at=round(100 - _height(shown_median, longest), 1) if shown_median else None,
    )


def _heads(columns: Sequence[Run], lengths: Sequence[timedelta | None], longest: timedelta | None) -> list[ColumnHead]:
    labels = column_labels([run.run_at for run in columns])
    return [
        ColumnHead(run, label, _height(length, longest), _words_of_run(run, length))
        for run, label, length in zip(columns, labels, lengths, strict=True)
    ]


def column_labels(times: Sequence[datetime]) -> list[str]:
    """Label columns by what differs from the column before: the day of the month, else the hour as `14h`, else
    nothing. In the reader's time zone."""
    there = [local(at) for at in times]
    labels = [str(at.day) for at in there[:1]]
    for before, at in pairwise(there):
        if before.date() != at.date():
            labels.append(str(at.day))
        else:
            labels.append("" if before.hour == at.hour else f"{at.hour}h")
    return labels


def _height(length: timedelta | None, longest: timedelta | None) -> float:
    if length is None or not longest:
        return 0
    return round(max(_HIGHEST * (length / longest), _LOWEST), 1)


def _words_of_run(run: Run, length: timedelta | None) -> str:
    name = f"Run {run.orchestrator_run_id}, " if run.orchestrator_run_id else "Run of "
    return f"{name}{exact_words(run.run_at)}: {_label(run.shown_state)}{_took(length)}"


def _cell_link(cell: GridCell, name: str) -> CellLink:
    latest = cell.latest
    instances = sum(cell.counts.values())
    if instances >= MOST_INSTANCES:
        outcome = f"{MOST_INSTANCES} or more instances, {_SOME.get(cell.state, '')}{_label(cell.state)}"
    elif instances > 1:
        states = ", ".join(f"{count:,} {_label(state)}" for state, count in cell.counts.items())
        outcome = f"{instances:,} instances, {states}"
    else:
        outcome = f"{_label(cell.state)}{_took(known_duration(latest.started_at, latest.ended_at))}"
    tries = f", after {cell.retries} failed {'try' if cell.retries == 1 else 'tries'}" if cell.retries else ""
    return CellLink(run_url(latest), _glyph(cell), f"{name}, {exact_words(latest.run_at)}: {outcome}{tries}")


def _glyph(cell: GridCell) -> str:
    return "repeated" if cell.state == RunState.COMPLETED and cell.retries else cell.state.lower()


def _label(state: str) -> str:
    return RunState(state).label.lower()


def _took(length: timedelta | None) -> str:
    return "" if length is None else f", {format_duration(length)}"


def _day(at: datetime) -> str:
    at = local(at)
    return f"{at.day} {at:%b}"
