"""Making and deleting a connection's API keys. A key's text is in one answer, and nowhere else."""

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from connections.access import Right
from connections.actions import DuplicateKeyName, create_api_key, delete_api_key
from connections.forms import GenerateKeyForm
from web.components.rendering import dialog_methods, leave_dialog, render_dialog
from web.connections.rights import connection_to, gone_is_404
from web.connections.settings import setup_of


@dialog_methods
@login_required
@never_cache
@gone_is_404()
def generate(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Ask for a name, and answer with the key itself: a redirect would have to keep the key.

    Sending the form again, as a reload does, makes no second key: its name is taken.
    """
    connection = connection_to(Right.ADD_KEY, request, connection_id)
    form = GenerateKeyForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            new = create_api_key(
                connection=connection,
                name=form.cleaned_data["name"],
                created_by=cast("User", request.user),
                now=timezone.now(),
            )
        except DuplicateKeyName as error:
            form.add_error("name", str(error))
        else:
            setup = setup_of(connection, request, key=new.text)
            context = {"connection": connection, "api_key": new.api_key, "key_text": new.text, "setup": setup}
            return render_dialog(request, "connections/key_generated.html", context)
    context = {"connection": connection, "form": form}
    return render_dialog(request, "connections/key_generate.html", context, status=422 if form.errors else 200)


@dialog_methods
@login_required
def delete(request: HttpRequest, connection_id: UUID, key_id: UUID) -> HttpResponse:
    """Say when the key was last used, and delete it when that is confirmed."""
    connection = connection_to(Right.DELETE_KEY, request, connection_id)
    api_key = get_object_or_404(connection.api_keys.select_related("connection"), pk=key_id)
    if request.method == "POST":
        delete_api_key(api_key=api_key)
        messages.success(request, f"API key {api_key.name} was deleted.")
        return leave_dialog(request, reverse("connection_settings", args=[connection_id]))
    context = {"connection": api_key.connection, "api_key": api_key, "now": timezone.now()}
    return render_dialog(request, "connections/key_delete.html", context)
