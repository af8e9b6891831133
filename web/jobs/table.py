"""The job table of a connection's Overview and of the page Jobs: which jobs, in which order, what each row says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.core.paginator import Page, Paginator

from connections.models import Connection
from lineage.database import filters
from lineage.jobs.breakdown import JobBreakdown
from lineage.jobs.filters import JobFilter, JobOfAnyConnectionFilter
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
from web.jobs.density import COMPACT, DENSITIES, known_density
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


class JobOfAnyConnectionTableFilter(JobOfAnyConnectionFilter):
    """Filters of the table of all connections, likewise."""

    state = filters.choice(STATES.items(), method=filters.unfiltered)


_NAMES = {"state": "state", "kind": "kind", "namespace": "namespace", "owner": "owner", "tag": "tag", "q": "search"}
_COLUMNS = (
    Column("state", "State"),
    Column("name", "Job"),
    Column("kind", "Kind"),
    Column("started", "Started", downwards_first=True),
    Column("ended", "Ended", downwards_first=True),
    Column("duration", "Duration", downwards_first=True),
    Column("running", "Running", downwards_first=True),
)
_KEPT: dict[str, Callable[[str], str]] = {"open": known_ids, "page": str, "density": known_density}
JOBS = Listing(JobTableFilter, _NAMES, _COLUMNS, kept=_KEPT, place="page")
JOBS_OF_ALL = Listing(
    JobOfAnyConnectionTableFilter,
    {"connection": "connection_id", **_NAMES},
    _COLUMNS,
    kept=_KEPT,
    place="page",
)


@dataclass(frozen=True, slots=True)
class JobTable:
    """`inner_jobs`: how many jobs fold under the listed ones. `densities`: normal and compact rows."""

    choices: Choices
    page: Page[Job]
    rows: list[JobRow]
    inner_jobs: int
    columns: dict[str, Heading]
    connections: list[Option]
    states: list[Option]
    kinds: list[Option]
    namespaces: list[Option]
    owners: list[Option]
    tags: list[Option]
    places: Places
    densities: list[Option]
    is_compact: bool

    @property
    def is_of_all(self) -> bool:
        return "connection" in self.choices.listing.names

    @property
    def not_understood(self) -> list[str]:
        """Filters of the URL that are wrong, and why: `kind: Not one of DAG, TASK.`"""
        return [f"{name}: {errors[0]}" for name, errors in self.choices.errors.items()]


def read_job_table(
    connections: Mapping[UUID, Connection], choices: Choices, facts: JobBreakdown, *, density: str, now: datetime
) -> JobTable:
    """Read one page of the jobs of connections. `facts`: of all their jobs. `density`: of rows."""
    # Tasks stand inside their DAG, tests inside their model; but what was searched for stands by itself.
    inside = {} if choices.are_narrowing else facts.inside
    jobs: JobQuerySet = choices.filter(Job.objects.filter(connection_id__in=connections).shown())
    if choices["q"]:
        # In a plan for all values each name is compared with more work: what was searched for is looked up outside.
        jobs = jobs.looked_up()
    by_state = jobs.counts_by_state() if choices.any_of(*choices.listing.names.keys() - {"state"}) else facts.by_state
    total = by_state.get(choices["state"] or ALL_STATES, 0)
    paginator = Paginator(_sorted(jobs, choices, inside), ROWS_PER_PAGE)
    # Counted already, beside what the filters say.
    paginator.count = total if choices.are_narrowing else facts.on_top
    page = paginator.get_page(choices["page"])
    several_namespaces = len(facts.by_namespace) > 1
    shows_namespaces = several_namespaces or choices["namespace"]
    listed = list(page.object_list)
    rows = JobRows(connections, listed, choices, inside=inside, shows_namespace=several_namespaces, now=now)
    return JobTable(
        choices=choices,
        page=page,
        rows=rows.rows(),
        inner_jobs=total - paginator.count,
        columns={heading.key: heading for heading in headings(choices)},
        connections=_connections(choices, connections, facts),
        states=counted_options(choices, "state", STATES, by_state, total=by_state.get(ALL_STATES, 0)),
        kinds=options(choices, "kind", {kind: KINDS.get(kind, kind) for kind in facts.by_kind}, facts.by_kind),
        namespaces=_labels(choices, "namespace", facts.by_namespace if shows_namespaces else {}),
        owners=_labels(choices, "owner", facts.by_owner),
        tags=_labels(choices, "tag", facts.by_tag),
        places=numbered_places(choices, page),
        densities=_densities(choices, density),
        is_compact=density == COMPACT,
    )


def _densities(choices: Choices, chosen: str) -> list[Option]:
    return [Option(one, title, choices.query(density=one), one == chosen, "") for one, title in DENSITIES.items()]


def _connections(choices: Choices, connections: Mapping[UUID, Connection], facts: JobBreakdown) -> list[Option]:
    """Connections that the table may be narrowed to; none in the table of one."""
    if "connection" not in choices.listing.names:
        return []
    titles = {str(id_): one.name for id_, one in connections.items()}
    return options(choices, "connection", titles, {str(id_): n for id_, n in facts.by_connection.items()})


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
