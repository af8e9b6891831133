"""Adding and removing the namespaces whose events a connection takes from senders with a workspace key."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from connections.access import Right
from connections.forms import AddRouteForm
from connections.models import Connection
from connections.routes import RouteTaken, add_route, remove_route
from web.components.rendering import dialog_methods, leave_dialog, render_dialog
from web.connections.rights import connection_to, gone_is_404

TAKEN_ELSEWHERE = "Another connection takes the events of this namespace already."


@dialog_methods
@login_required
@gone_is_404()
def add(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    connection = connection_to(Right.EDIT, request, connection_id)
    form = AddRouteForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            add_route(connection=connection, namespace=form.cleaned_data["namespace"], now=timezone.now())
        except RouteTaken as error:
            is_seen = Connection.objects.visible(request.user).filter(pk=error.connection_id).exists()
            form.add_error("namespace", str(error) if is_seen else TAKEN_ELSEWHERE)
        except ValidationError as error:
            form.add_error("namespace", error.messages)
        else:
            return leave_dialog(request, reverse("connection_settings", args=[connection.pk]))
    context = {"connection": connection, "form": form}
    return render_dialog(request, "connections/route_add.html", context, status=422 if form.errors else 200)


@dialog_methods
@login_required
def remove(request: HttpRequest, connection_id: UUID, route_id: int) -> HttpResponse:
    """Say what becomes of the namespace's events, and remove the route when that is confirmed."""
    connection = connection_to(Right.EDIT, request, connection_id)
    route = get_object_or_404(connection.routes, pk=route_id)
    if request.method == "POST":
        remove_route(connection=connection, route_id=route.pk)
        messages.success(request, f"{connection.name} takes events of {route.namespace} no more.")
        return leave_dialog(request, reverse("connection_settings", args=[connection_id]))
    return render_dialog(request, "connections/route_remove.html", {"connection": connection, "route": route})
