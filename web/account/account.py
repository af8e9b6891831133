"""The reader's own account: who they are, their password, and the tokens of their scripts."""

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from people.forms import CreateTokenForm
from people.models import ApiToken
from people.tokens import DuplicateTokenName, create_api_token, delete_api_token
from web.components.rendering import leave_dialog, render_dialog, render_page


@require_safe
@login_required
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    tokens = [(token, token.is_expired(now)) for token in ApiToken.objects.filter(user=_reader(request))]
    return render_page(request, "account/account.html", {"tokens": tokens, "reader": request.user, "now": now})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
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


@require_http_methods(["GET", "HEAD", "POST"])
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
