"""The Runs page: every run of every connection, the newest first."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from web.components.rendering import render_page
from web.runs.table import RUNS, read_run_table


@require_safe
@login_required
def runs(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    table = read_run_table(RUNS.read(request), request.user, now=now)
    return render_page(request, "runs/list.html", {"table": table, "now": now}, region="runs")
