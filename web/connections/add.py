"""Add connection: a name and a type; then on to its Settings.

The list of namespaces that no connection takes leads here with `?namespace=…&type=…`.
"""

from typing import cast

from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from connections.actions import DuplicateName, create_connection
from connections.forms import AddConnectionForm
from connections.kinds import FIRST
from connections.names import MAX_NAME_LENGTH
from web.components.rendering import NAME_TAKEN, dialog_methods, leave_dialog, render_dialog


@dialog_methods
@login_required
@permission_required("connections.add_connection", raise_exception=True)
def add_connection(request: HttpRequest) -> HttpResponse:
    namespace = request.GET.get("namespace", "")
    # A namespace may be longer than a name.
    initial = {"name": namespace[:MAX_NAME_LENGTH], "namespace": namespace, "type": request.GET.get("type", FIRST.type)}
    form = AddConnectionForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        try:
            connection = create_connection(
                **form.cleaned_data, created_by=cast("User", request.user), now=timezone.now()
            )
        except DuplicateName:
            form.add_error("name", NAME_TAKEN)
        else:
            return leave_dialog(request, reverse("connection_settings", args=[connection.pk]))
    return render_dialog(request, "connections/add.html", {"form": form}, status=422 if form.errors else 200)
