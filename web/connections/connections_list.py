"""Connections: every connection with its status, its jobs and its last event."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from web.components.rendering import render_page
from web.connections.choices import ConnectionChoices
from web.connections.table import ConnectionTable


@require_safe
@login_required
def connections(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    table = ConnectionTable(ConnectionChoices.read(request.GET), now)
    return render_page(request, "connections/list.html", {"table": table, "now": now}, region="connection-list")
