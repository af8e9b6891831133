"""Privacy, on a connection's Settings: who sees source code, SQL, stack traces and the environment."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from connections.access import Right
from connections.actions import set_privacy
from connections.forms import PrivacyForm
from web.components.confirmation import confirmed_first
from web.components.rendering import dialog_methods, leave_dialog, render_dialog
from web.connections.rights import connection_to, gone_is_404


@dialog_methods
@login_required
@gone_is_404()
@confirmed_first
def privacy(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    connection = connection_to(Right.CHANGE_PRIVACY, request, connection_id)
    sent = request.method == "POST"
    chosen: dict[str, Any] = {kind.value: audience for kind, audience in connection.audiences.items()}
    form = PrivacyForm(request.POST if sent else None, initial=chosen)
    if form.is_valid():
        set_privacy(connection=connection, audiences=form.audiences)
        messages.success(request, "Privacy changed.")
        return leave_dialog(request, reverse("connection_settings", args=[connection.pk]))
    context = {"form": form, "connection": connection}
    return render_dialog(request, "connections/privacy.html", context, status=422 if form.errors else 200)
