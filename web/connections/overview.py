"""A connection's Overview: what it is, and every job that it sent."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_safe

from connections.models import Connection
from connections.querysets import Reader
from lineage.jobs.breakdown import JobBreakdown, job_breakdown
from lineage.models import RunState
from lineage.now.now import read_slow
from lineage.overview.setup import SetupState, read_setup
from lineage.overview.summaries import (
    ConnectionSummary,
    JobCounts,
    RecentRunCounts,
    connection_summary,
    recent_run_counts,
)
from pull.reading import Fetching, read_fetching
from web.components.density import density_of, remember_density
from web.components.lists import Choices, refuse_wrong_values
from web.components.rendering import render_page
from web.connections.refusals import Refusal, read_refusal
from web.connections.rights import with_rights
from web.jobs.table import JOBS, JobTable, read_job_table


@dataclass(frozen=True, slots=True)
class Overview:
    # None if nothing is fetched for the connection.
    fetching: Fetching | None
    summary: ConnectionSummary
    # None before the first event, as the table.
    lately: RecentRunCounts | None
    # None from the first event on.
    setup: SetupState | None
    refusal: Refusal | None
    # None before the first event: then a checklist stands in its place.
    table: JobTable | None
    slow_jobs: int


def read_overview(connection: Connection, choices: Choices, reader: Reader, *, now: datetime) -> Overview:
    facts = job_breakdown([connection.pk])
    slow = {job_id for _, job_id in read_slow([connection.pk], now=now)}
    fetching = read_fetching(connection, now=now)
    summary = connection_summary(connection, now=now, fetching=fetching, jobs=_job_counts(facts))
    setup = None if summary.is_connected else read_setup(connection, now=now, fetches=fetching is not None)
    return Overview(
        fetching=fetching,
        summary=summary,
        lately=recent_run_counts(connection, now=now) if summary.is_connected else None,
        setup=setup,
        refusal=read_refusal(setup.refused, reader) if setup else None,
        table=read_job_table({connection.pk: connection}, choices, facts, slow, now=now)
        if summary.is_connected
        else None,
        slow_jobs=len(slow),
    )


def _job_counts(facts: JobBreakdown) -> JobCounts:
    states = (RunState.RUNNING, RunState.FAILED, RunState.LOST)
    return JobCounts(facts.total, *(facts.by_state.get(state, 0) for state in states))


@require_safe
@login_required
def connection_overview(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    connection = get_object_or_404(Connection.objects.visible(request.user), pk=connection_id)
    now = timezone.now()
    choices = JOBS.read(request)
    overview = read_overview(connection, choices, request.user, now=now)
    with_rights([connection], request.user)
    context = {
        "connection": connection,
        "choices": choices,
        "summary": overview.summary,
        "overview": overview,
        "fetching": overview.fetching,
        "table": overview.table,
        "density": density_of(choices, request),
        "now": now,
    }
    response = render_page(request, "connections/overview.html", context, region="overview")
    return remember_density(request, refuse_wrong_values(response, choices), choices)
