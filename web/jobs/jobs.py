"""The page Jobs: every job of every connection, those that need attention first."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from connections.models import Connection
from lineage.jobs.breakdown import job_breakdown
from lineage.now.now import read_slow
from web.components.density import density_of, remember_density
from web.components.lists import refuse_wrong_values
from web.components.rendering import render_page
from web.jobs.table import JOBS_OF_ALL, read_job_table


@require_safe
@login_required
def jobs(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    choices = JOBS_OF_ALL.read(request)
    connections = {one.pk: one for one in Connection.objects.visible(request.user).order_by("name")}
    slow = {job_id for _, job_id in read_slow(list(connections), now=now)}
    table = read_job_table(connections, choices, job_breakdown(connections), slow, now=now)
    context = {"table": table, "density": density_of(choices, request), "now": now}
    response = refuse_wrong_values(render_page(request, "jobs/list.html", context, region="jobs"), choices)
    return remember_density(request, response, choices)
