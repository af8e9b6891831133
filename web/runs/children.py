"""Child runs on the page of a run: those that failed first, and all of them on an axis of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db.models import Count, F, Prefetch
from django_filters import FilterSet

from lineage.database import filters
from lineage.database.keyset import OLDEST_RUN_FIRST, KeysetPage
from lineage.jobs.statistics import usual_durations
from lineage.models import Job, Run, RunState
from lineage.models.run_queryset import RunQuerySet
from lineage.runs.error_headline import error_details, error_headline
from web.components.lists import Choices, Option, Places, counted_options, keyset_page, keyset_places
from web.runs.timeline import Axis, LegendKey, TimelineRow, axis_of, legend_of, rows_of

CHILDREN_SHOWN = 50
FAILED_SHOWN = 5
# States that need attention stand first.
_URGENT = (RunState.FAILED, RunState.UPSTREAM_FAILED, RunState.LOST, RunState.ABORTED, RunState.RUNNING)
_STATES = dict(sorted(RunState.choices, key=lambda option: option[0] not in _URGENT))


class ChildFilter(FilterSet):
    """The page counts the child runs in each state, so it filters by state itself."""

    state = filters.choice(RunState.choices, method=filters.unfiltered)


@dataclass(frozen=True, slots=True)
class FailedChild:
    """`name`: the job's, without the name of the parent's job in front."""

    run: Run
    name: str

    @property
    def error_headline(self) -> str:
        return error_headline(self.run.error_message or "")

    @property
    def error_details(self) -> str:
        return error_details(self.run.error_message or "")


@dataclass(frozen=True, slots=True)
class ChildRuns:
    """Child runs to read, and what is known of the run above them. `why_silent` says of the name of a task that sent no
    event why it is known from its DAG run alone."""

    runs: RunQuerySet
    connection_id: UUID
    parent: Run | None = None
    prefix: str = ""
    why_silent: Callable[[str], str] = lambda _: "sent no events"

    def short_name(self, run: Run) -> str:
        return run.job.name.removeprefix(f"{self.prefix}.") if self.prefix else run.job.name


@dataclass(frozen=True, slots=True)
class Children:
    """A page of the child runs of a run, and how many there are in each state."""

    choices: Choices
    counts: dict[str, int]
    page: KeysetPage
    axis: Axis | None
    rows: Sequence[TimelineRow]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def failures(self) -> int:
        return self.counts.get(RunState.FAILED, 0)

    @property
    def options(self) -> list[Option]:
        found = counted_options(self.choices, "state", _STATES, self.counts, total=self.total)
        # A cursor of one state leads nowhere in another.
        return [replace(option, query=self.choices.query(state=option.value, children="")) for option in found]

    @property
    def legend(self) -> list[tuple[LegendKey, str]]:
        return legend_of(self.rows)

    @property
    def failed_query(self) -> str:
        return self.choices.query(state=RunState.FAILED, children="")

    @property
    def places(self) -> Places:
        return keyset_places(self.choices, self.page, "children")


def read_children(children: ChildRuns, choices: Choices, *, now: datetime) -> Children | None:
    """Read one page of child runs. None without any. At most four queries."""
    counts = dict(children.runs.order_by().values_list("shown_state").annotate(runs=Count("id")))
    if not counts:
        return None
    found = children.runs.in_state(choices["state"]) if choices["state"] else children.runs
    page = keyset_page(OLDEST_RUN_FIRST, _with_jobs(found), choices, CHILDREN_SHOWN, "children")
    is_whole = not (page.has_previous or page.has_next or choices["state"])
    axis = axis_of(children.parent, page.rows, is_whole=is_whole, now=now)
    rows = rows_of(
        page.rows,
        axis,
        connection_id=children.connection_id,
        prefix=children.prefix,
        now=now,
        why_silent=children.why_silent,
        usual=usual_durations((run.connection_id, run.job_id) for run in page.rows),
    )
    return Children(choices, counts, page, axis, rows)


def read_failed_first(children: ChildRuns) -> list[FailedChild]:
    """Read the earliest child runs that failed. Two queries."""
    failed = _with_jobs(children.runs.in_state(RunState.FAILED))
    earliest = failed.order_by(F("ended_at").asc(nulls_last=True), "run_at", "id")[:FAILED_SHOWN]
    return [FailedChild(run, children.short_name(run)) for run in earliest]


def _with_jobs(runs: RunQuerySet) -> RunQuerySet:
    # A second query reads the jobs: a join would have PostgreSQL leave the index of the parent.
    return runs.for_list().prefetch_related(Prefetch("job", Job.objects.for_list()))
