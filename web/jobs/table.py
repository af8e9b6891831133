"""The job table of a connection's Overview: which jobs, in which order, and what each row says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

from django.core.paginator import Page, Paginator

from connections.models import Connection
from lineage.jobs.facts import JobFacts
from lineage.models import Job
from lineage.models.job_queryset import ALL_STATES
from web.jobs.choices import STATES, JobChoices
from web.jobs.rows import KINDS, JobRow, JobRows

if TYPE_CHECKING:
    from lineage.models.job_queryset import InnerJobs, JobQuerySet

ROWS_PER_PAGE = 50
COLUMNS = (
    ("name", "Job"),
    ("kind", "Kind"),
    ("state", "Latest run"),
    ("started", "Started"),
    ("ended", "Ended"),
    ("duration", "Duration"),
    ("running", "Running runs"),
)
# The newest, the longest and the most are what readers look for: there the first click sorts downwards.
DOWNWARDS_FIRST = {"started", "ended", "duration", "running"}


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    title: str
    # What a click on the heading leads to.
    query: str
    # As `aria-sort` has it: ascending or descending; empty where the table is not sorted by this column.
    order: str


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a filter: what choosing it leads to, and how many jobs are there."""

    value: str
    title: str
    query: str
    chosen: bool
    jobs: int


@dataclass(frozen=True)
class JobTable:
    connection: Connection
    choices: JobChoices
    now: datetime
    # Of all jobs of the connection.
    facts: JobFacts

    @property
    def folds(self) -> bool:
        """Whether tasks stand inside their DAG, tests inside their model. What was searched for stands by itself."""
        return not self.choices.are_narrowing

    @property
    def total_jobs(self) -> int:
        """Those that the choices leave, folded or not."""
        return self._jobs_by_state.get(self.choices.state or ALL_STATES, 0)

    @property
    def inner_jobs(self) -> int:
        """How many of them fold under those that are listed."""
        return self.total_jobs - self.page.paginator.count

    @cached_property
    def page(self) -> Page[Job]:
        paginator = Paginator(self._sorted(), ROWS_PER_PAGE)
        # Counted already, beside what the filters say.
        paginator.count = self.facts.on_top if self.folds else self.total_jobs
        return paginator.get_page(self.choices.page)

    @cached_property
    def rows(self) -> list[JobRow]:
        jobs = list(self.page.object_list)
        return JobRows(self.connection, jobs, self._inside, self.choices, self.now).rows()

    @property
    def previous_query(self) -> str:
        """The URL's query of the page before; empty on the first one."""
        page = self.page
        return self.choices.query(page=str(page.previous_page_number())) if page.has_previous() else ""

    @property
    def next_query(self) -> str:
        page = self.page
        return self.choices.query(page=str(page.next_page_number())) if page.has_next() else ""

    @cached_property
    def columns(self) -> list[Column]:
        return [self._column(key, title) for key, title in COLUMNS]

    @cached_property
    def states(self) -> list[Option]:
        """All, and each state that occurs, with how many jobs the other choices leave there."""
        counts = self._jobs_by_state
        return [
            Option(state, title, self.choices.query(state=state), state == self.choices.state, jobs)
            for state, title, jobs in (
                ("", "All", counts.get(ALL_STATES, 0)),
                *((state, title, counts.get(state, 0)) for state, title in STATES.items()),
            )
            if jobs or state in ("", self.choices.state)
        ]

    @cached_property
    def kinds(self) -> list[Option]:
        """Each kind of job that the connection has."""
        return [
            Option(kind, KINDS.get(kind, kind), self.choices.query(kind=kind), kind == self.choices.kind, jobs)
            for kind, jobs in self.facts.by_kind.items()
        ]

    @cached_property
    def namespaces(self) -> list[Option]:
        """None where all jobs are in one, unless that was chosen."""
        if not (self.several_namespaces or self.choices.namespace):
            return []
        return self._labels(self.facts.by_namespace, "namespace", self.choices.namespace)

    @cached_property
    def owners(self) -> list[Option]:
        return self._labels(self.facts.by_owner, "owner", self.choices.owner)

    @cached_property
    def tags(self) -> list[Option]:
        return self._labels(self.facts.by_tag, "tag", self.choices.tag)

    @property
    def several_namespaces(self) -> bool:
        """Whether a name alone may stand for several jobs."""
        return len(self.facts.by_namespace) > 1

    @property
    def _inside(self) -> dict[UUID, InnerJobs]:
        """Of each job what folds under it, where the table folds."""
        return self.facts.inside if self.folds else {}

    @cached_property
    def _jobs_by_state(self) -> dict[str, int]:
        if self.choices.narrow_by_state_at_most:
            return self.facts.by_state
        # What was searched for is looked up outside: in a plan for all values each name is compared with more work.
        chosen = self._chosen_but_for_state
        return chosen.counts_by_state()

    @cached_property
    def _chosen_but_for_state(self) -> JobQuerySet:
        jobs = Job.objects.of(self.connection).shown()
        if self.choices.kind:
            jobs = jobs.filter(kind=self.choices.kind)
        if self.choices.namespace:
            jobs = jobs.filter(namespace=self.choices.namespace)
        if self.choices.owner:
            jobs = jobs.owned_by(self.choices.owner)
        if self.choices.tag:
            jobs = jobs.tagged(self.choices.tag)
        if self.choices.search:
            jobs = jobs.named(self.choices.search).looked_up()
        return jobs

    def _sorted(self) -> JobQuerySet:
        jobs = self._chosen_but_for_state
        if self.folds:
            jobs = jobs.outside(self._inside)
        if self.choices.state:
            jobs = jobs.in_state(self.choices.state)
        jobs = jobs.for_list()
        if not self.choices.sort:
            return jobs.needing_attention_first(self._inside)
        key, descending = self.choices.sort.removeprefix("-"), self.choices.sort.startswith("-")
        return jobs.sorted_by(key, descending=descending, inside=self._inside)

    def _labels(self, jobs_by_label: dict[str, int], parameter: str, chosen: str) -> list[Option]:
        """What jobs of the connection may be filtered by; the chosen one even where no job has it."""
        counts = dict(jobs_by_label)
        if chosen:
            counts.setdefault(chosen, 0)
        return [
            Option(label, label, self.choices.query(**{parameter: label}), label == chosen, jobs)
            for label, jobs in counts.items()
        ]

    def _column(self, key: str, title: str) -> Column:
        upwards, downwards = key, f"-{key}"
        first, then = (downwards, upwards) if key in DOWNWARDS_FIRST else (upwards, downwards)
        order = {upwards: "ascending", downwards: "descending"}.get(self.choices.sort, "")
        # First one way, then the other, then back to what needs attention first.
        following = {first: then, then: ""}.get(self.choices.sort, first)
        return Column(key, title, self.choices.query(sort=following), order)
