"""The reader's own account: who they are, where they are signed in, and the tokens of their scripts."""

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from people.factors import has_factor
from people.forms import CreateTokenForm
from people.local_login import has_password
from people.models import ApiToken
from people.sessions import device_of, end_other_sessions, live_sessions
from people.tokens import DuplicateTokenName, create_api_token, delete_api_token
from web.components.confirmation import confirmed_first
from web.components.rendering import dialog_methods, leave_dialog, render_dialog, render_page


@require_safe
@login_required
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    reader = _reader(request)
    context = {
        "reader": reader,
        "now": now,
        "has_password": has_password(reader),
        "has_factor": has_factor(reader),
        "tokens": [(token, token.is_expired(now)) for token in ApiToken.objects.filter(user=reader)],
        "sessions": [
            (session, device_of(session.user_agent), session.session_key == request.session.session_key)
            for session in live_sessions(reader, now=now)
        ],
    }
    return render_page(request, "account/account.html", context)


@require_POST
@login_required
def end_sessions(request: HttpRequest) -> HttpResponse:
    end_other_sessions(user=_reader(request), keep=request.session.session_key)
    messages.success(request, "You are signed out everywhere else.")
    return redirect("account")


@dialog_methods
@login_required
@never_cache
@confirmed_first
def create_token(request: HttpRequest) -> HttpResponse:
    """Ask for a name, and answer with the token itself: a redirect would have to keep it.

    Sending the form again, as a reload does, makes no second token: its name is taken.
    """
    form = CreateTokenForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            new = create_api_token(user=_reader(request), **form.cleaned_data, now=timezone.now())
        except DuplicateTokenName as error:
            form.add_error("name", str(error))
        except ValidationError as error:
            form.add_error("name", error.messages)
        else:
            context = {"api_token": new.api_token, "text": new.text}
            return render_dialog(request, "account/token_created.html", context)
    status = 422 if form.errors else 200
    return render_dialog(request, "account/token_create.html", {"form": form}, status=status)


@dialog_methods
@login_required
@never_cache
def delete_token(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """Say when the token was last used, and delete it when that is confirmed. Others' tokens are not found."""
    api_token = get_object_or_404(ApiToken, user=_reader(request), pk=token_id)
    if request.method == "POST":
        delete_api_token(api_token=api_token)
        messages.success(request, f"API token {api_token.name} was deleted.")
        return leave_dialog(request, reverse("account"))
    return render_dialog(request, "account/token_delete.html", {"api_token": api_token, "now": timezone.now()})


def _reader(request: HttpRequest) -> User:
    return cast("User", request.user)
