"""The child runs of a run, as its page shows them: which failed first, and all of them on an axis of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Prefetch

from lineage.database.keyset import OLDEST_RUN_FIRST, Cursor, Keyset, KeysetPage
from lineage.models import Job, Run, RunState
from lineage.models.run_queryset import RunQuerySet
from lineage.runs.error_headline import error_details, error_headline
from web.runs.page_choices import RunPageChoices
from web.runs.timeline import Axis, TimelineRow, axis_of, rows_of

CHILDREN_SHOWN = 50
FAILED_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Option:
    """A state that child runs are in: what choosing it leads to, and how many are."""

    state: str
    title: str
    query: str
    chosen: bool
    runs: int


@dataclass(frozen=True, slots=True)
class FailedChild:
    run: Run
    # Without the name of the parent's job in front.
    name: str

    @property
    def error_headline(self) -> str:
        return error_headline(self.run.error_message or "")

    @property
    def error_details(self) -> str:
        return error_details(self.run.error_message or "")


def _silent(_: str) -> str:
    return "sent no events"


@dataclass(frozen=True)
class Children:
    """The child runs of a run, or of one that is known by them alone. `why_silent`: of a task's name, why it is known
    from its DAG run alone."""

    found: RunQuerySet
    connection_id: UUID
    choices: RunPageChoices
    now: datetime
    parent: Run | None = None
    prefix: str = ""
    why_silent: Callable[[str], str] = _silent

    @cached_property
    def counts(self) -> dict[str, int]:
        return dict(self.found.order_by().values_list("shown_state").annotate(runs=Count("id")))

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def failures(self) -> int:
        return self.counts.get(RunState.FAILED, 0)

    @cached_property
    def failed_first(self) -> Sequence[FailedChild]:
        """The earliest of those that failed; none where the reader chose a state, and sees but that one."""
        if self.choices.state or not self.failures:
            return []
        failed = self._with_jobs(self.found.in_state(RunState.FAILED))
        earliest = failed.order_by(F("ended_at").asc(nulls_last=True), "run_at", "id")[:FAILED_SHOWN]
        return [FailedChild(run, self._short(run)) for run in earliest]

    @cached_property
    def page(self) -> KeysetPage:
        found = self.found.in_state(self.choices.state) if self.choices.state else self.found
        return keyset_page(self._with_jobs(found), OLDEST_RUN_FIRST, self.choices.children, CHILDREN_SHOWN)

    @cached_property
    def axis(self) -> Axis | None:
        is_whole = not (self.page.has_previous or self.page.has_next or self.choices.state)
        return axis_of(self.parent, self.page.rows, is_whole=is_whole, now=self.now)

    @cached_property
    def rows(self) -> list[TimelineRow]:
        return rows_of(
            self.page.rows,
            self.axis,
            connection_id=self.connection_id,
            prefix=self.prefix,
            now=self.now,
            why_silent=self.why_silent,
        )

    @cached_property
    def options(self) -> list[Option]:
        chosen = self.choices.state
        counts = [("", "All", self.total), *((state, title, self.counts.get(state, 0)) for state, title in _STATES)]
        return [
            Option(state, title, self.choices.query(state=state, children=""), state == chosen, runs)
            for state, title, runs in counts
            if runs or state in ("", chosen)
        ]

    @property
    def failed_query(self) -> str:
        return self.choices.query(state=RunState.FAILED, children="")

    @property
    def previous_query(self) -> str:
        return self.choices.query(children=cursor_text(self.page.previous)) if self.page.has_previous else ""

    @property
    def next_query(self) -> str:
        return self.choices.query(children=cursor_text(self.page.next)) if self.page.has_next else ""

    def _with_jobs(self, runs: RunQuerySet) -> RunQuerySet:
        # A second query reads the jobs: a join would have PostgreSQL leave the index of the parent.
        return runs.prefetch_related(Prefetch("job", Job.objects.all()))

    def _short(self, run: Run) -> str:
        return run.job.name.removeprefix(f"{self.prefix}.") if self.prefix else run.job.name


# What needs attention first.
_URGENT = (RunState.FAILED, RunState.UPSTREAM_FAILED, RunState.LOST, RunState.ABORTED, RunState.RUNNING)
_STATES = sorted(RunState.choices, key=lambda option: option[0] not in _URGENT)


def keyset_page(queryset: Any, keyset: Keyset, cursor: str, size: int) -> KeysetPage:
    """A cursor that is none leads to the first page."""
    try:
        return keyset.page(queryset, Cursor.decode(cursor) if cursor else None, size)
    except ValueError:
        return keyset.page(queryset, None, size)


def cursor_text(cursor: Cursor | None) -> str:
    """Of None, the first page, nothing."""
    return cursor.encode() if cursor else ""
