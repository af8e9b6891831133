"""Remove connection: says what goes, and asks for the name to be typed."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from connections.access import Right
from connections.forms import RemoveConnectionForm
from lineage.upkeep.removal import removal_preview, remove_connection
from web.components.confirmation import confirmed_first
from web.components.rendering import dialog_methods, leave_dialog, render_dialog
from web.connections.rights import connection_to


@dialog_methods
@login_required
@confirmed_first
def remove(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    connection = connection_to(Right.REMOVE, request, connection_id)
    form = RemoveConnectionForm(request.POST if request.method == "POST" else None, connection=connection)
    if form.is_valid():
        remove_connection(connection=connection, now=timezone.now())
        messages.success(request, f"{connection.name} was removed.")
        return leave_dialog(request, reverse("connections"))
    context = {"form": form, "connection": connection, "removal": removal_preview(connection)}
    return render_dialog(request, "connections/remove.html", context, status=422 if form.errors else 200)
