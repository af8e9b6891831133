"""The job table of a connection's Overview: which jobs, in which order, and what each row says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.core.paginator import Page, Paginator

from connections.models import Connection
from lineage.database import filters
from lineage.jobs.breakdown import JobBreakdown
from lineage.jobs.filters import JobFilter
from lineage.models import Job, RunState
from lineage.models.job_queryset import ALL_STATES, NO_RUN
from web.components.lists import (
    Choices,
    Column,
    Heading,
    Listing,
    Option,
    Places,
    counted_options,
    headings,
    numbered_places,
    options,
)
from web.jobs.rows import KINDS, JobRow, JobRows, known_ids

if TYPE_CHECKING:
    from lineage.models.job_queryset import InnerJobs, JobQuerySet

ROWS_PER_PAGE = 50
# The states of latest runs that jobs may be filtered by, and that they never ran.
STATES = {
    state.value: str(state.label)
    for state in (
        RunState.FAILED,
        RunState.LOST,
        RunState.RUNNING,
        RunState.COMPLETED,
        RunState.ABORTED,
        RunState.SKIPPED,
        RunState.UPSTREAM_FAILED,
        RunState.UNKNOWN,
    )
} | {NO_RUN: "No run yet"}


class JobTableFilter(JobFilter):
    """The table counts the jobs in each state, so it filters by state itself."""

    state = filters.choice(STATES.items(), method=filters.unfiltered)


JOBS = Listing(
    JobTableFilter,
    names={
        "state": "state",
        "kind": "kind",
        "namespace": "namespace",
        "owner": "owner",
        "tag": "tag",
        "q": "search",
    },
    columns=(
        Column("name", "Job"),
        Column("kind", "Kind"),
        Column("state", "Latest run"),
        Column("started", "Started", downwards_first=True),
        Column("ended", "Ended", downwards_first=True),
        Column("duration", "Duration", downwards_first=True),
        Column("running", "Running runs", downwards_first=True),
    ),
    kept={"open": known_ids, "page": str},
    place="page",
)


@dataclass(frozen=True, slots=True)
class JobTable:
    """`inner_jobs`: how many jobs fold under the listed ones. `several_namespaces`: a name alone may stand for
    several jobs."""

    choices: Choices
    page: Page[Job]
    rows: list[JobRow]
    inner_jobs: int
    several_namespaces: bool
    columns: list[Heading]
    states: list[Option]
    kinds: list[Option]
    namespaces: list[Option]
    owners: list[Option]
    tags: list[Option]
    places: Places


def read_job_table(connection: Connection, choices: Choices, facts: JobBreakdown, *, now: datetime) -> JobTable:
    """Read one page of the jobs of a connection. `facts`: of all its jobs."""
    # Tasks stand inside their DAG, tests inside their model; but what was searched for stands by itself.
    inside = {} if choices.are_narrowing else facts.inside
    jobs: JobQuerySet = choices.filter(Job.objects.of(connection).shown())
    if choices["q"]:
        # In a plan for all values each name is compared with more work: what was searched for is looked up outside.
        jobs = jobs.looked_up()
    by_state = jobs.counts_by_state() if choices.any_of(*JOBS.names.keys() - {"state"}) else facts.by_state
    total = by_state.get(choices["state"] or ALL_STATES, 0)
    paginator = Paginator(_sorted(jobs, choices, inside), ROWS_PER_PAGE)
    # Counted already, beside what the filters say.
    paginator.count = total if choices.are_narrowing else facts.on_top
    page = paginator.get_page(choices["page"])
    several_namespaces = len(facts.by_namespace) > 1
    shows_namespaces = several_namespaces or choices["namespace"]
    return JobTable(
        choices=choices,
        page=page,
        rows=JobRows(connection, list(page.object_list), inside, choices, now).rows(),
        inner_jobs=total - paginator.count,
        several_namespaces=several_namespaces,
        columns=headings(choices),
        states=counted_options(choices, "state", STATES, by_state, total=by_state.get(ALL_STATES, 0)),
        kinds=options(choices, "kind", {kind: KINDS.get(kind, kind) for kind in facts.by_kind}, facts.by_kind),
        namespaces=_labels(choices, "namespace", facts.by_namespace if shows_namespaces else {}),
        owners=_labels(choices, "owner", facts.by_owner),
        tags=_labels(choices, "tag", facts.by_tag),
        places=numbered_places(choices, page),
    )


def _sorted(jobs: JobQuerySet, choices: Choices, inside: dict[UUID, InnerJobs]) -> JobQuerySet:
    """Jobs in the chosen state that do not fold under another one, in the chosen order."""
    if not choices.are_narrowing:
        jobs = jobs.outside(inside)
    if choices["state"]:
        jobs = jobs.in_state(choices["state"])
    jobs = jobs.for_list()
    if not choices["sort"]:
        return jobs.needing_attention_first(inside)
    key, descending = choices["sort"].removeprefix("-"), choices["sort"].startswith("-")
    return jobs.sorted_by(key, descending=descending, inside=inside)


def _labels(choices: Choices, name: str, counts: dict[str, int]) -> list[Option]:
    """Values that jobs of the connection may be filtered by; the chosen one even where no job has it."""
    if chosen := choices[name]:
        counts = counts | {chosen: counts.get(chosen, 0)}
    return options(choices, name, {label: label for label in counts}, counts)
