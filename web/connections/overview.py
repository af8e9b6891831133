"""A connection's Overview: what it is, and every job that it sent."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_safe

from connections.models import ApiKey, Connection
from lineage.jobs.breakdown import JobBreakdown, job_breakdown
from lineage.models import RunState
from lineage.overview.summaries import (
    ConnectionSummary,
    JobCounts,
    RecentRunCounts,
    connection_summary,
    recent_run_counts,
)
from web.components.lists import Choices
from web.components.rendering import render_page
from web.jobs.density import density_of, remember_density
from web.jobs.table import JOBS, JobTable, read_job_table


@dataclass(frozen=True, slots=True)
class Overview:
    summary: ConnectionSummary
    # None before the first event, as the table.
    lately: RecentRunCounts | None
    keys: list[ApiKey]
    # None before the first event: then a checklist stands in its place.
    table: JobTable | None

    @property
    def has_key(self) -> bool:
        return bool(self.keys)

    @property
    def has_used_key(self) -> bool:
        return any(key.last_used_at for key in self.keys)


def read_overview(connection: Connection, choices: Choices, *, density: str, now: datetime) -> Overview:
    facts = job_breakdown([connection.pk])
    summary = connection_summary(connection, now=now, jobs=_job_counts(facts))
    return Overview(
        summary=summary,
        lately=recent_run_counts(connection, now=now) if summary.is_connected else None,
        # Only the checklist asks for them, which stands there until the first event.
        keys=[] if summary.is_connected else list(connection.api_keys.all()),
        table=read_job_table({connection.pk: connection}, choices, facts, density=density, now=now)
        if summary.is_connected
        else None,
    )


def _job_counts(facts: JobBreakdown) -> JobCounts:
    running, failing = (facts.by_state.get(state, 0) for state in (RunState.RUNNING, RunState.FAILED))
    return JobCounts(facts.total, running, failing)


@require_safe
@login_required
def connection_overview(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    connection = get_object_or_404(Connection.objects.visible(request.user), pk=connection_id)
    now = timezone.now()
    choices = JOBS.read(request)
    overview = read_overview(connection, choices, density=density_of(choices, request), now=now)
    context = {
        "connection": connection,
        "choices": choices,
        "summary": overview.summary,
        "overview": overview,
        "table": overview.table,
        "now": now,
    }
    response = render_page(request, "connections/overview.html", context, region="overview")
    return remember_density(response, request)
