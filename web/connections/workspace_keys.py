"""Workspace keys, for administrators: list, add, delete; and the namespaces that no connection takes."""

from datetime import timedelta
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from connections.endpoint import workspace_url
from connections.forms import AddWorkspaceKeyForm
from connections.models import Connection, UnmatchedNamespace, WorkspaceKey
from connections.workspace_keys import (
    DuplicateWorkspaceKeyName,
    NewWorkspaceKey,
    create_workspace_key,
    delete_workspace_key,
)
from web.components.confirmation import confirmed_first
from web.components.rendering import dialog_methods, leave_dialog, render_dialog, render_page
from web.connections.key_list import read_keys
from web.connections.refusals import Refusal
from web.guides import cure_of

NAMESPACES_SHOWN = 50


@require_safe
@login_required
@permission_required("connections.view_workspacekey", raise_exception=True)
@never_cache
def workspace_keys(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    every = WorkspaceKey.objects.select_related("created_by", "default_connection").prefetch_related("connections")
    found = read_keys(every, request)
    unmatched = UnmatchedNamespace.objects.select_related("workspace_key").newest(NAMESPACES_SHOWN)
    context = {
        "keys": [(key, key.is_expired(now), _refusal_of(key)) for key in found.keys],
        "found": found,
        "unmatched": list(unmatched),
        "workspace_url": workspace_url(request),
        "now": now,
    }
    return render_page(request, "workspace_keys/list.html", context)


def _refusal_of(key: WorkspaceKey) -> Refusal | None:
    if key.refused_status is None:
        return None
    return Refusal(key.refused_status, key.refused_reason, cure_of(key.refused_code), key_connection=None)


@dialog_methods
@login_required
@permission_required("connections.add_workspacekey", raise_exception=True)
@never_cache
@confirmed_first
def add(request: HttpRequest) -> HttpResponse:
    """Ask what the key may do, and answer with the key itself: a redirect would have to keep the key.

    Sending the form again, as a reload does, makes no second key: its name is taken.
    """
    connections = list(Connection.objects.visible(request.user))
    form = AddWorkspaceKeyForm(request.POST if request.method == "POST" else None, connections=connections)
    if form.is_valid():
        try:
            new = _create(form, cast("User", request.user))
        except DuplicateWorkspaceKeyName as error:
            form.add_error("name", str(error))
        else:
            context = {"key": new.workspace_key, "text": new.text, "workspace_url": workspace_url(request)}
            return render_dialog(request, "workspace_keys/added.html", context)
    status = 422 if form.errors else 200
    return render_dialog(request, "workspace_keys/add.html", {"form": form}, status=status)


def _create(form: AddWorkspaceKeyForm, creator: User) -> NewWorkspaceKey:
    fields, now = form.cleaned_data, timezone.now()
    return create_workspace_key(
        name=fields["name"],
        chosen=fields["chosen"],
        default_connection=fields["default_connection"],
        unmatched=fields["unmatched"],
        expires_at=now + timedelta(days=fields["days"]) if fields["days"] else None,
        created_by=creator,
        now=now,
    )


@dialog_methods
@login_required
@permission_required("connections.delete_workspacekey", raise_exception=True)
@confirmed_first
def delete(request: HttpRequest, workspace_key_id: UUID) -> HttpResponse:
    """Say when the key was last used, and delete it when that is confirmed."""
    key = get_object_or_404(WorkspaceKey, pk=workspace_key_id)
    if request.method == "POST":
        delete_workspace_key(workspace_key=key)
        messages.success(request, f"Workspace key {key.name} was deleted.")
        return leave_dialog(request, reverse("workspace_keys"))
    return render_dialog(request, "workspace_keys/delete.html", {"key": key, "now": timezone.now()})
