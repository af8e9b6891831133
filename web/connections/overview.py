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
from lineage.jobs.facts import JobFacts, facts_of
from lineage.models import RunState
from lineage.overview.summaries import (
    ConnectionSummary,
    JobCounts,
    Lately,
    connection_summary,
    runs_lately,
)
from web.components.rendering import render_page
from web.jobs.choices import JobChoices
from web.jobs.table import JobTable


@dataclass(frozen=True, slots=True)
class Overview:
    summary: ConnectionSummary
    lately: Lately
    keys: list[ApiKey]
    table: JobTable

    @property
    def has_key(self) -> bool:
        return bool(self.keys)

    @property
    def has_used_key(self) -> bool:
        return any(key.last_used_at for key in self.keys)


def overview_of(connection: Connection, choices: JobChoices, *, now: datetime) -> Overview:
    facts = facts_of(connection)
    summary = connection_summary(connection, now=now, jobs=_job_counts(facts))
    return Overview(
        summary=summary,
        lately=runs_lately(connection, now=now),
        # Only the checklist asks for them, which stands there until the first event.
        keys=[] if summary.is_connected else list(connection.api_keys.all()),
        table=JobTable(connection, choices, now, facts),
    )


def _job_counts(facts: JobFacts) -> JobCounts:
    running, failing = (facts.by_state.get(state, 0) for state in (RunState.RUNNING, RunState.FAILED))
    return JobCounts(facts.total, running, failing)


@require_safe
@login_required
def connection_overview(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    connection = get_object_or_404(Connection.objects.visible(), pk=connection_id)
    now = timezone.now()
    overview = overview_of(connection, JobChoices.read(request.GET), now=now)
    context = {
        "connection": connection,
        "summary": overview.summary,
        "overview": overview,
        "table": overview.table,
        "now": now,
    }
    return render_page(request, "connections/overview.html", context, region="overview")
