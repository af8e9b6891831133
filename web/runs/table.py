"""A table of runs, newest first: of all connections, or of one job."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Prefetch

from connections.models import Connection
from lineage.database.keyset import NEWEST_RUN_OF_ALL_FIRST, KeysetPage
from lineage.models import Job, Run, RunState
from lineage.runs.error_headline import error_headline
from web.runs.choices import DURATIONS, RANGES, RunChoices

if TYPE_CHECKING:
    from lineage.models.run_queryset import RunQuerySet

ROWS_PER_PAGE = 50
MOST_COUNTED = 1000
_UNCOUNTED = (RunState.SKIPPED, RunState.UPSTREAM_FAILED, RunState.RETRIED)
_WENT_WRONG = (RunState.FAILED, RunState.RETRIED, RunState.ABORTED)
KINDS: dict[str, str] = dict(Job.Kind.choices)


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a filter. `count`: how many runs are there, as text; empty where it was not counted."""

    value: str
    title: str
    chosen: bool
    query: str = ""
    count: str = ""


@dataclass(frozen=True, slots=True)
class RunRow:
    run: Run
    connection: Connection
    # Until it ended, so far. None: one of its ends is not known.
    duration: timedelta | None
    # What the orchestrator calls it, or the run that it is a part of: a task's DAG run. Empty: nothing was said.
    orchestrator_run_id: str = ""

    @property
    def id(self) -> str:
        """Unique on the page: two connections may hold runs with one id."""
        return f"{self.run.connection_id}-{self.run.id}"

    @property
    def kind(self) -> str:
        return KINDS.get(self.run.job.kind, self.run.job.kind)

    @property
    def is_lost(self) -> bool:
        return self.run.shown_state == RunState.LOST

    @property
    def error_headline(self) -> str:
        return error_headline(self.run.error_message or "") if self.run.shown_state in _WENT_WRONG else ""


@dataclass(frozen=True)
class RunTable:
    """`job`: whose runs; None: those of all connections that can be seen."""

    choices: RunChoices
    now: datetime
    job: Job | None = None

    @cached_property
    def rows(self) -> list[RunRow]:
        return [
            RunRow(
                run,
                self.connections[run.connection_id],
                run_duration(run, now=self.now),
                run.orchestrator_run_id or self._called.get(run.parent_run_id, ""),
            )
            for run in self._page.rows
            # Removed between two queries.
            if run.connection_id in self.connections
        ]

    @cached_property
    def connections(self) -> dict[UUID, Connection]:
        visible = Connection.objects.visible()
        if self.job:
            visible = visible.filter(pk=self.job.connection_id)
        return {connection.pk: connection for connection in visible.order_by("name")}

    @property
    def newest_query(self) -> str:
        """The URL's query of the first page; empty on it."""
        return self.choices.first_query if self.choices.cursor else ""

    @property
    def newer_query(self) -> str:
        page = self._page
        return self.choices.query(cursor=page.previous.encode()) if page.has_previous and page.previous else ""

    @property
    def older_query(self) -> str:
        page = self._page
        return self.choices.query(cursor=page.next.encode()) if page.has_next and page.next else ""

    @cached_property
    def states(self) -> list[Option]:
        chosen = self.choices.state
        options = [Option("", "All", not chosen, self.choices.query(state=""))]
        for state, title in RunState.choices:
            count = self._count(state)
            if count != "0" or state == chosen:
                options.append(Option(state, title, state == chosen, self.choices.query(state=state), count))
        return options

    @property
    def connection_options(self) -> list[Option]:
        return [Option(str(id_), c.name, str(id_) == self.choices.connection) for id_, c in self.connections.items()]

    @property
    def kind_options(self) -> list[Option]:
        return [Option(kind, title, kind == self.choices.kind) for kind, title in KINDS.items()]

    @property
    def range_options(self) -> list[Option]:
        return [Option(range_, title, range_ == self.choices.range) for range_, (title, _) in RANGES.items()]

    @property
    def duration_options(self) -> list[Option]:
        return [Option(seconds, title, seconds == self.choices.minimum) for seconds, title in DURATIONS.items()]

    @property
    def cleared_query(self) -> str:
        return RunChoices().query()

    @cached_property
    def _page(self) -> KeysetPage:
        runs = self._chosen_but_for_state
        if self.choices.state:
            runs = runs.in_state(self.choices.state)
        # A join would make PostgreSQL expect too few runs, and sort all of them instead of following the index.
        runs = runs.prefetch_related(Prefetch("job", Job.objects.filter(connection_id__in=self.connections)))
        try:
            return NEWEST_RUN_OF_ALL_FIRST.page(runs, self.choices.cursor, ROWS_PER_PAGE)
        except ValueError:
            # A cursor of another list: as if it were not there.
            return NEWEST_RUN_OF_ALL_FIRST.page(runs, None, ROWS_PER_PAGE)

    @cached_property
    def _called(self) -> dict[UUID | None, str]:
        """Run id → what the orchestrator calls it, of the runs that those of the job are parts of."""
        if self.job is None:
            return {}
        parents = {run.parent_run_id for run in self._page.rows if run.parent_run_id and not run.orchestrator_run_id}
        runs = Run.objects.filter(connection_id=self.job.connection_id, id__in=parents)
        return dict(runs.exclude(orchestrator_run_id="").values_list("id", "orchestrator_run_id"))

    @cached_property
    def _chosen_but_for_state(self) -> RunQuerySet:
        return self._of_chosen_jobs(self.choices.among(self._runs(), now=self.now))

    def _runs(self) -> RunQuerySet:
        if self.job:
            return Run.objects.shown().filter(connection_id=self.job.connection_id, job_id=self.job.id)
        wanted = [id_ for id_ in self.connections if self.choices.connection in ("", str(id_))]
        return Run.objects.shown().filter(connection_id__in=wanted)

    def _of_chosen_jobs(self, runs: RunQuerySet) -> RunQuerySet:
        if not self.choices.narrow_jobs:
            return runs
        jobs = Job.objects.filter(connection_id__in=self.connections)
        if self.choices.kind:
            jobs = jobs.filter(kind=self.choices.kind)
        return runs.of_jobs(jobs.named(self.choices.search))

    @cached_property
    def _latest_states(self) -> list[str]:
        """Of a job, whose runs no index counts by the state that they are shown in: of the latest of them."""
        latest = self._chosen_but_for_state.order_by("-run_at", "-id")
        return list(latest.values_list("shown_state", flat=True)[: MOST_COUNTED + 1])

    @property
    def _is_cut(self) -> bool:
        return len(self._latest_states) > MOST_COUNTED

    @property
    def _counts_of_job(self) -> dict[str, str]:
        """State → how many runs, or of a job that has more of them than are counted, at least how many."""
        counts = Counter(self._latest_states[:MOST_COUNTED])
        return {state: f"{count:,}{'+' if self._is_cut else ''}" for state, count in counts.items()}

    def _count(self, state: str) -> str:
        """Only where an index counts: by name and duration each run would have to be looked at, and for states that
        other runs tell of, most."""
        if self.choices.narrow_jobs or self.choices.minimum:
            return ""
        if self.job:
            return self._counts_of_job.get(state, "" if self._is_cut else "0")
        if state in _UNCOUNTED:
            return ""
        count = self._chosen_but_for_state.in_state(state).count_up_to(MOST_COUNTED)
        return f"{MOST_COUNTED:,}+" if count > MOST_COUNTED else f"{count:,}"


def run_duration(run: Run, *, now: datetime) -> timedelta | None:
    """How long it took, or runs already; None where that is not known."""
    end = now if run.shown_state == RunState.RUNNING else run.shown_ended_at
    if run.started_at is None or end is None or end < run.started_at:
        return None
    return end - run.started_at
