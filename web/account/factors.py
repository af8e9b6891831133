"""The reader's own factors: an authenticator app, security keys, recovery codes. allauth checks and keeps them."""

import json
from typing import Any, Final, cast

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView
from cryptography.fernet import InvalidToken
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.generic.edit import FormView

from audit.models import Verb
from audit.record import record
from people.confirmation import note_confirmed
from people.factors import (
    FACTORS,
    MOST_SECURITY_KEYS,
    codes_left,
    factor_name,
    has_factor,
    is_readable,
    must_have_factor,
    remove_factor,
    remove_unreadable_codes,
    security_key_name,
    use_once,
)
from people.sessions import end_other_sessions
from web.components.confirmation import confirmed_by_factor_first
from web.components.rendering import dialog_methods, leave_dialog, render_dialog, render_page

FACTORS_PAGE: Final = "factors"
# In the session: the page that somebody asked for, and for which a factor had to be set up first.
PAGE_AFTER: Final = "page_after_factor"


@require_safe
@login_required
@never_cache
def factors(request: HttpRequest) -> HttpResponse:
    own = list(Authenticator.objects.filter(user=request.user).order_by("created_at", "pk"))
    codes = next((one for one in own if one.type == Authenticator.Type.RECOVERY_CODES), None)
    context = {
        "factors": [(one, factor_name(one)) for one in own if one.type in FACTORS],
        "has_app": any(one.type == Authenticator.Type.TOTP for one in own),
        "codes_left": codes_left(codes) if codes else 0,
        "page_after": "" if request.needs_factor else request.session.pop(PAGE_AFTER, ""),  # type: ignore[attr-defined]
        "now": timezone.now(),
    }
    return render_page(request, "account/factors.html", context)


class _InDialog:
    """Mixin for allauth's views: shows their form in a dialog, and leads back to the factors."""

    request: HttpRequest
    template_name: str

    def render_to_response(self, context: dict[str, Any], **_options: Any) -> HttpResponse:
        status = 422 if "form" in context and context["form"].errors else 200
        response = render_dialog(self.request, self.template_name, context, status=status)
        add_never_cache_headers(response)  # a secret is on it
        return response

    def get_success_url(self) -> str:
        return reverse(
            "mfa_view_recovery_codes" if getattr(self, "did_generate_recovery_codes", True) else FACTORS_PAGE
        )

    def left(self, response: HttpResponse) -> HttpResponse:
        """Go on to new recovery codes, in the dialog if it is one, or leave it."""
        url = self.get_success_url()
        return leave_dialog(self.request, url) if url == reverse(FACTORS_PAGE) else response


class AppView(_InDialog, ActivateTOTPView):  # type: ignore[misc]  # allauth ships no types
    template_name = "account/factor_app.html"

    def form_valid(self, form: Any) -> HttpResponse:
        reader = _reader(self.request)
        with transaction.atomic():
            remove_unreadable_codes(user=reader)
            response = super().form_valid(form)
            app = Authenticator.objects.get(user=reader, type=Authenticator.Type.TOTP)
            use_once(app, form.cleaned_data["code"])
            _conclude_added(self, "authenticator app")
        return self.left(response)


class SecurityKeyView(_InDialog, AddWebAuthnView):  # type: ignore[misc]
    template_name = "account/factor_key.html"

    def get_context_data(self, **options: Any) -> dict[str, Any]:
        # allauth leaves `options` out, and so makes the form anew: its errors and the typed name would be lost.
        context = super().get_context_data(**options)
        return {**context, **options, "options": json.dumps(context["js_data"]["creation_options"]["publicKey"])}

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            remove_unreadable_codes(user=_reader(self.request))
            response = super().form_valid(form)
            _conclude_added(self, security_key_name(form.cleaned_data["name"]))
        return self.left(response)


class NewCodesView(_InDialog, GenerateRecoveryCodesView):  # type: ignore[misc]
    template_name = "account/codes_make.html"

    def get_context_data(self, **options: Any) -> dict[str, Any]:
        """allauth's, without reading the present codes where that fails because SECRET_KEY is another."""
        try:
            context: dict[str, Any] = super().get_context_data(**options)
        except InvalidToken:
            context = FormView.get_context_data(self, **options)
        return context

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            record(Verb.CODES_MADE, _reader(self.request))
        return response


class CodesView(_InDialog, ViewRecoveryCodesView):  # type: ignore[misc]
    """Shows new recovery codes, once."""

    template_name = "account/codes.html"


def _conclude_added(view: Any, name: str) -> None:
    """Record a factor that was added, and end the person's other sessions: those showed no factor."""
    reader = _reader(view.request)
    record(Verb.FACTOR_ADDED, reader, {"factor": (None, name)})
    if view.did_generate_recovery_codes:
        record(Verb.CODES_MADE, reader)
    note_confirmed(view.request.session, now=timezone.now(), by_factor=True)
    end_other_sessions(user=reader, keep=view.request.session.session_key)


_app = AppView.as_view()


@dialog_methods
@login_required
@confirmed_by_factor_first
def add_app(request: HttpRequest) -> HttpResponse:
    """Show the secret of a new authenticator app, and take its first code. Who has an app removes it first."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=_reader(request).pk)  # of two requests at once the second finds the app
        if Authenticator.objects.filter(user=request.user, type=Authenticator.Type.TOTP).exists():
            return leave_dialog(request, reverse(FACTORS_PAGE))
        response: HttpResponse = _app(request)
    return response


_key = SecurityKeyView.as_view()
_codes = CodesView.as_view()
_make_codes = NewCodesView.as_view()


@dialog_methods
@login_required
@confirmed_by_factor_first
def add_key(request: HttpRequest) -> HttpResponse:
    """Take a new security key, up to MOST_SECURITY_KEYS."""
    if Authenticator.objects.filter(user=request.user, type=Authenticator.Type.WEBAUTHN).count() >= MOST_SECURITY_KEYS:
        messages.error(request, f"You have {MOST_SECURITY_KEYS} security keys. Remove one first.")
        return leave_dialog(request, reverse(FACTORS_PAGE))
    response: HttpResponse = _key(request)
    return response


@dialog_methods
@login_required
@never_cache
@confirmed_by_factor_first
def codes(request: HttpRequest) -> HttpResponse:
    """Show new recovery codes, once: HEAD does not use them up. Of two requests at once the second sees none.

    Only a confirmation is posted here.
    """
    if request.method == "POST":
        return HttpResponseNotAllowed(["GET", "HEAD"])
    own = Authenticator.objects.filter(user=request.user, type=Authenticator.Type.RECOVERY_CODES)
    with transaction.atomic():
        locked = get_object_or_404(own.select_for_update())
        if request.method == "HEAD" or not is_readable(locked):
            return render_dialog(request, "account/codes.html", {"can_view_codes": False})
        response: HttpResponse = _codes(request)
    return response


@dialog_methods
@login_required
@confirmed_by_factor_first
def make_codes(request: HttpRequest) -> HttpResponse:
    """Make new recovery codes, when that is confirmed. 404 for who has no factor that they could replace."""
    if not has_factor(_reader(request)):
        raise Http404
    response: HttpResponse = _make_codes(request)
    return response


@dialog_methods
@login_required
@never_cache
@confirmed_by_factor_first
def remove(request: HttpRequest, factor_id: int) -> HttpResponse:
    """Remove a factor, when that is confirmed. Others' factors are not found."""
    own = Authenticator.objects.filter(user=request.user, type__in=FACTORS)
    factor = get_object_or_404(own, pk=factor_id)
    if request.method == "POST":
        remove_factor(factor=factor, keep=request.session.session_key)
        messages.success(request, f"The {factor_name(factor)} was removed. You are signed out everywhere else.")
        return leave_dialog(request, reverse(FACTORS_PAGE))
    context = {
        "factor": factor,
        "name": factor_name(factor),
        "is_last": own.count() == 1,
        "is_required": must_have_factor(_reader(request)),
        "now": timezone.now(),
    }
    return render_dialog(request, "account/factor_remove.html", context)


def _reader(request: HttpRequest) -> User:
    return cast("User", request.user)
