"""Connections: every connection with its status, its jobs and its last event."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from web.components.density import density_of, remember_density
from web.components.lists import refuse_wrong_values
from web.components.rendering import read_permissions, render_page
from web.connections.table import CONNECTIONS, read_connection_table


@require_safe
@login_required
def connections(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    choices = CONNECTIONS.read(request)
    table = read_connection_table(choices, request.user, now=now)
    if table.page.object_list or table.is_empty:
        # The rows' menus, and the words that stand for no rows, show what the reader may do.
        read_permissions(request)
    context = {"table": table, "density": density_of(choices, request), "now": now}
    response = render_page(request, "connections/list.html", context, region="connection-list")
    return remember_density(request, refuse_wrong_values(response, choices), choices)
