"""Rename connection, from its three-dot menu."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from connections.access import Right
from connections.actions import DuplicateName, rename_connection
from connections.forms import RenameConnectionForm
from web.components.rendering import NAME_TAKEN, dialog_methods, leave_dialog, render_dialog, stay
from web.connections.rights import connection_to, gone_is_404


@dialog_methods
@login_required
@gone_is_404()
def rename(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    connection = connection_to(Right.EDIT, request, connection_id)
    sent = request.method == "POST"
    form = RenameConnectionForm(request.POST if sent else None, initial={"name": connection.name})
    if form.is_valid():
        try:
            rename_connection(connection=connection, name=form.cleaned_data["name"], now=timezone.now())
        except DuplicateName:
            form.add_error("name", NAME_TAKEN)
        else:
            messages.success(request, f"Renamed to {form.cleaned_data['name']}.")
            return leave_dialog(request, stay(request, reverse("connection_overview", args=[connection.pk])))
    context = {"form": form, "connection": connection}
    return render_dialog(request, "connections/rename.html", context, status=422 if form.errors else 200)
