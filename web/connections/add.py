"""Add connection: a name and a type, and whether it sends; then on to its Settings, or to what fetching needs.

The list of namespaces that no connection takes leads here with `?namespace=…&type=…`.
"""

from typing import Final, cast

from django import forms
from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from connections.actions import DuplicateName, create_connection
from connections.forms import AddConnectionForm
from connections.kinds import FIRST
from connections.names import MAX_NAME_LENGTH
from pull.sources import ROOMS
from pull.systems import TYPES
from web.components.rendering import NAME_TAKEN, dialog_methods, leave_dialog, render_dialog
from web.connections.source_form import rooms_for

SENDS: Final = "sends"
FETCHED: Final = "fetched"


class AddForm(AddConnectionForm):
    """Asks further how runs get here. Where a type cannot be fetched from, it sends, whatever was chosen."""

    way = forms.ChoiceField(choices=[(SENDS, SENDS), (FETCHED, FETCHED)], initial=SENDS, required=False)


@dialog_methods
@login_required
@permission_required("connections.add_connection", raise_exception=True)
def add_connection(request: HttpRequest) -> HttpResponse:
    namespace = request.GET.get("namespace", "")
    # A namespace may be longer than a name.
    initial = {"name": namespace[:MAX_NAME_LENGTH], "namespace": namespace, "type": request.GET.get("type", FIRST.type)}
    form = AddForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        way = form.cleaned_data.pop("way")
        try:
            connection = create_connection(
                **form.cleaned_data, created_by=cast("User", request.user), now=timezone.now()
            )
        except DuplicateName:
            form.add_error("name", NAME_TAKEN)
        else:
            page = "fetching" if way == FETCHED and rooms_for(connection.type) else "connection_settings"
            return leave_dialog(request, reverse(page, args=[connection.pk]))
    context = {"form": form, "systems": [room.system for room in ROOMS], "fetched": set(TYPES.values())}
    return render_dialog(request, "connections/add.html", context, status=422 if form.errors else 200)
