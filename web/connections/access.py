"""The Access section of a connection's Settings: who sees it, and its members."""

from datetime import timedelta
from typing import Final, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from connections.access import Right, end_access, give_access, set_visibility
from connections.forms import AddMemberForm, VisibilityForm
from connections.models import Connection
from connections.pacing import Pace
from web.components.confirmation import confirmed_first
from web.components.rendering import dialog_methods, leave_dialog, render_dialog
from web.connections.rights import connection_to, gone_is_404

# Names that somebody may try in one process, who has no list of people. For more members there are groups.
_PACE_OF_NAMES: Final = Pace(count=30, per=timedelta(hours=1))


@dialog_methods
@login_required
@gone_is_404()
@confirmed_first
def visibility(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    connection = connection_to(Right.MANAGE_ACCESS, request, connection_id)
    sent = request.POST if request.method == "POST" else None
    form = VisibilityForm(sent, initial={"visibility": connection.visibility})
    if form.is_valid():
        set_visibility(connection=connection, visibility=form.cleaned_data["visibility"])
        messages.success(request, "Who sees the connection was changed.")
        return leave_dialog(request, reverse("connection_settings", args=[connection_id]))
    context = {"connection": connection, "form": form}
    return render_dialog(request, "connections/access_visibility.html", context, status=422 if form.errors else 200)


@dialog_methods
@login_required
@gone_is_404()
@confirmed_first
def add_member(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Ask for a person or a group, and a level; who is a member already gets that level."""
    connection = connection_to(Right.MANAGE_ACCESS, request, connection_id)
    sent = request.POST if request.method == "POST" else None
    form = AddMemberForm(sent, initial={"level": "view"}, may_ask=sent is None or _may_ask(request))
    if form.is_valid():
        member = form.cleaned_data["member"]
        give_access(connection=connection, member=member, level=form.cleaned_data["level"])
        messages.success(request, f"{member} is a member.")
        return leave_dialog(request, reverse("connection_settings", args=[connection_id]))
    context = {"connection": connection, "form": form}
    return render_dialog(request, "connections/access_add.html", context, status=422 if form.errors else 200)


def _may_ask(request: HttpRequest) -> bool:
    user = cast("User", request.user)
    return user.is_superuser or _PACE_OF_NAMES.allows(user.pk, timezone.now())


@dialog_methods
@login_required
@confirmed_first
def remove_member(request: HttpRequest, connection_id: UUID, access_id: int) -> HttpResponse:
    connection = connection_to(Right.MANAGE_ACCESS, request, connection_id)
    access = get_object_or_404(connection.accesses.select_related("user", "group"), pk=access_id)
    if request.method == "POST":
        end_access(access=access)
        messages.success(request, f"{access.user or access.group} is no member any more.")
        # Perhaps they do not see it themselves any more.
        still_there = connection.visibility == Connection.Visibility.EVERYONE or access.user_id != request.user.pk
        there = reverse("connection_settings", args=[connection_id]) if still_there else reverse("connections")
        return leave_dialog(request, there)
    return render_dialog(request, "connections/access_remove.html", {"connection": connection, "access": access})
