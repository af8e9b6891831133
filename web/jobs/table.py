"""The job table of a connection's Overview and of the page Jobs: which jobs, in which order, what each row says."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
from web.components.density import DENSITY
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
from web.components.values import Reader, page_number, uuids
from web.jobs.rows import KINDS, MOST_OPEN, JobRow, JobRows

if TYPE_CHECKING:
    from lineage.models.job_queryset import InnerJobs, JobQuerySet

ROWS_PER_PAGE = 50
# A running run of the job is slow.
SLOW = "SLOW"
# The states of latest runs that jobs may be filtered by, that a run of theirs is slow, and that they never ran.
STATES = {
    RunState.FAILED.value: "Failed",
    RunState.LOST.value: "Lost",
    SLOW: "Slow",
    RunState.RUNNING.value: "Running",
    RunState.COMPLETED.value: "Completed",
    RunState.ABORTED.value: "Aborted",
    RunState.SKIPPED.value: "Skipped",
    RunState.UPSTREAM_FAILED.value: "Upstream failed",
    RunState.UNKNOWN.value: "Unknown",
    NO_RUN: "No run yet",
}
# Chips of what is wrong stand side by side, also where nothing is.
_ALWAYS_COUNTED = (RunState.FAILED, RunState.LOST, SLOW)


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
_KEPT: dict[str, Reader] = {"open": uuids(MOST_OPEN), "page": page_number, **DENSITY}
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
    """`inner_jobs`: how many jobs fold under the listed ones."""

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

    @property
    def is_of_all(self) -> bool:
        return "connection" in self.choices.listing.names


def read_job_table(
    connections: Mapping[UUID, Connection],
    choices: Choices,
    facts: JobBreakdown,
    slow: Collection[UUID] = (),
    *,
    now: datetime,
) -> JobTable:
    """Read one page of the jobs of connections. `facts`: of all their jobs. `slow`: jobs of which a run is slow."""
    # Tasks stand inside their DAG, tests inside their model; but what was searched for stands by itself.
    inside = {} if choices.are_narrowing else facts.inside
    jobs: JobQuerySet = choices.filter(Job.objects.filter(connection_id__in=connections).shown())
    if choices["q"]:
        # In a plan for all values each name is compared with more work: what was searched for is looked up outside.
        jobs = jobs.looked_up()
    by_state = _by_state(jobs, choices, facts, slow)
    total = by_state.get(choices["state"] or ALL_STATES, 0)
    paginator = Paginator(_sorted(jobs, choices, inside, slow), ROWS_PER_PAGE)
    # Counted already, beside what the filters say.
    paginator.count = total if choices.are_narrowing else facts.on_top
    page = paginator.get_page(choices["page"])
    listed = [] if choices.errors else list(page.object_list)
    several = len(facts.by_namespace) > 1
    return JobTable(
        choices=choices,
        page=page,
        rows=JobRows(connections, listed, choices, inside=inside, shows_namespace=several, now=now).rows(),
        inner_jobs=total - paginator.count,
        columns={heading.key: heading for heading in headings(choices)},
        states=counted_options(
            choices, "state", STATES, by_state, total=by_state.get(ALL_STATES, 0), always=_ALWAYS_COUNTED
        ),
        places=numbered_places(choices, page),
        **_filters(choices, connections, facts),
    )


def _filters(choices: Choices, connections: Mapping[UUID, Connection], facts: JobBreakdown) -> dict[str, list[Option]]:
    """Options of the filters beside that of the state, by the field of JobTable."""
    shows_namespaces = len(facts.by_namespace) > 1 or choices["namespace"]
    return {
        "connections": _connections(choices, connections, facts),
        "kinds": options(choices, "kind", {kind: KINDS.get(kind, kind) for kind in facts.by_kind}, facts.by_kind),
        "namespaces": _labels(choices, "namespace", facts.by_namespace if shows_namespaces else {}),
        "owners": _labels(choices, "owner", facts.by_owner),
        "tags": _labels(choices, "tag", facts.by_tag),
    }


def _by_state(jobs: JobQuerySet, choices: Choices, facts: JobBreakdown, slow: Collection[UUID]) -> dict[str, int]:
    """Count the jobs in each state of STATES that the other choices leave."""
    if not choices.any_of(*choices.listing.names.keys() - {"state"}):
        return {**facts.by_state, SLOW: len(slow)}
    return {**jobs.counts_by_state(), SLOW: jobs.filter(id__in=slow).count() if slow else 0}


def _connections(choices: Choices, connections: Mapping[UUID, Connection], facts: JobBreakdown) -> list[Option]:
    """Connections that the table may be narrowed to; none in the table of one."""
    if "connection" not in choices.listing.names:
        return []
    titles = {str(id_): one.name for id_, one in connections.items()}
    return options(choices, "connection", titles, {str(id_): n for id_, n in facts.by_connection.items()})


def _sorted(jobs: JobQuerySet, choices: Choices, inside: dict[UUID, InnerJobs], slow: Collection[UUID]) -> JobQuerySet:
    """Jobs in the chosen state that do not fold under another one, in the chosen order."""
    if not choices.are_narrowing:
        jobs = jobs.outside(inside)
    if choices["state"] == SLOW:
        jobs = jobs.filter(id__in=slow)
    elif choices["state"]:
        jobs = jobs.in_state(choices["state"])
    jobs = jobs.for_list("integration")
    if not choices["sort"]:
        return jobs.needing_attention_first(inside)
    key, descending = choices["sort"].removeprefix("-"), choices["sort"].startswith("-")
    return jobs.sorted_by(key, descending=descending, inside=inside)


def _labels(choices: Choices, name: str, counts: dict[str, int]) -> list[Option]:
    """Values that jobs of the connection may be filtered by; the chosen one even where no job has it."""
    if chosen := choices[name]:
        counts = counts | {chosen: counts.get(chosen, 0)}
    return options(choices, name, {label: label for label in counts}, counts)
