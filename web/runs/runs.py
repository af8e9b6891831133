"""The Runs page: every run of every connection, the newest first."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from web.components.density import density_of, remember_density
from web.components.lists import refuse_wrong_values
from web.components.rendering import render_page
from web.runs.table import RUNS, read_run_table


@require_safe
@login_required
def runs(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    choices = RUNS.read(request)
    table = read_run_table(choices, request.user, now=now)
    context = {"table": table, "density": density_of(choices, request), "now": now}
    response = refuse_wrong_values(render_page(request, "runs/list.html", context, region="runs"), choices)
    return remember_density(request, response, choices)
