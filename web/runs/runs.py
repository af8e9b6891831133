"""The Runs page: every run of every connection, the newest first."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from web.components.rendering import render_page
from web.runs.choices import RunChoices
from web.runs.table import RunTable


@require_safe
@login_required
def runs(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    table = RunTable(RunChoices.read(request.GET), now)
    return render_page(request, "runs/list.html", {"table": table, "now": now}, region="runs")
