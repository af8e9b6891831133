"""Changing one's own password."""

from typing import cast

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import get_default_password_validators
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from audit.models import Verb
from audit.record import record
from people.forms import ChangePasswordForm
from people.sessions import end_other_sessions, rename_session
from web.components.rendering import dialog_methods, leave_dialog, render_dialog


@sensitive_post_parameters()
@dialog_methods
@login_required
@never_cache
def change_password(request: HttpRequest) -> HttpResponse:
    """Ask for the current password, and twice for the new one. Ends all other sessions of the account."""
    user = cast("User", request.user)
    if not user.has_usable_password():
        # Who signs in at an identity provider has none to change.
        raise Http404
    form = ChangePasswordForm(user, request.POST if request.method == "POST" else None)
    if form.is_valid() and _is_theirs(request, form):
        _save(request, form, user)
        messages.success(request, "Your password was changed. You are signed out everywhere else.")
        return leave_dialog(request, reverse("account"))
    context = {"form": form, "new_password_help": f"At least {least_length()} characters."}
    return render_dialog(request, "account/password.html", context, status=422 if form.errors else 200)


@transaction.atomic
def _save(request: HttpRequest, form: ChangePasswordForm, user: User) -> None:
    form.save()
    record(Verb.PASSWORD_CHANGED, user)
    before = request.session.session_key
    # Django ends sessions that were signed in with another password: all but this one, which gets another key.
    update_session_auth_hash(request, user)
    rename_session(before=before, after=request.session.session_key)
    end_other_sessions(user=user, keep=request.session.session_key)


def _is_theirs(request: HttpRequest, form: ChangePasswordForm) -> bool:
    """Check the current password as at sign-in, so that guessing it is limited alike."""
    try:
        found = get_adapter(request).authenticate(
            request, username=form.user.get_username(), password=form.cleaned_data["current"]
        )
    except ValidationError as error:
        form.add_error("current", error)
        return False
    if found is None or found.pk != form.user.pk:
        form.add_error("current", "This is not your password.")
        return False
    return True


def least_length() -> int:
    """Return the least number of characters of a password, of the validators in the settings."""
    lengths = (getattr(validator, "min_length", 0) for validator in get_default_password_validators())
    return max(lengths, default=0)
