"""Confirmation before what is dangerous: a password, a code or a security key, of who signed in a while ago.

The form has the address of the one that was asked for, and is shown instead. It carries what was sent, so nothing that
somebody typed is lost.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import wraps
from typing import Any, Final, cast

from allauth.account.forms import ReauthenticateForm
from allauth.mfa import app_settings
from allauth.mfa.base.forms import ReauthenticateForm as CodeForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import ReauthenticateWebAuthnForm
from allauth.mfa.webauthn.views import ReauthenticateWebAuthnView
from allauth.socialaccount.models import SocialAccount
from allauth.utils import get_form_class
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.debug import sensitive_post_parameters

from audit.models import Verb
from audit.record import record
from people.confirmation import FIRST_FACTOR_WITHIN, came_back_untimed, is_confirmed, note_confirmed
from people.factors import SHOWN, has_factor
from people.local_login import has_password, provider_name
from people.single_sign_on import states_time
from web.components.rendering import page_of, render_dialog

View = Callable[..., HttpResponse]

# Begins the names of the form's own fields, among those that it carries.
_PREFIX: Final = "confirm"
# The method of the request that waits for the confirmation.
_WAITING: Final = f"{_PREFIX}-waiting"
# What was shown, in words of the audit.
_BY_PASSWORD: Final = "password"  # noqa: S105 - a word, no password
# Way → name of its form among allauth's (MFA_FORMS in the settings), and the form where there is none of that name.
_FORMS: Final = {
    "credential": ("reauthenticate_webauthn", ReauthenticateWebAuthnForm),
    "code": ("reauthenticate", CodeForm),
    "password": ("reauthenticate_password", ReauthenticateForm),
}
_CODES: Final = {Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES}


def confirmed_first(view: View) -> View:
    """Ask for a confirmation first, unless the reader signed in or confirmed within half an hour."""
    return _guard(view, changes_factors=False)


def confirmed_by_factor_first(view: View) -> View:
    """Ask for a confirmation as `confirmed_first` does, but for a factor of who has one: a password alone must not
    remove what protects against its loss."""
    return _guard(view, changes_factors=True)


def _guard(view: View, *, changes_factors: bool) -> View:
    @sensitive_post_parameters(f"{_PREFIX}-password")
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        now = timezone.now()
        user = cast("User", request.user)
        by_factor = changes_factors and has_factor(user)
        if not (
            is_confirmed(request.session, now=now, by_factor=by_factor)
            or (changes_factors and _may_add_first_factor(request, now=now))
        ):
            ways = _Ways(request, with_password=not by_factor)
            shown = ways.shown()
            if not shown:
                return _ask(request, ways)
            note_confirmed(request.session, now=now, by_factor=shown != _BY_PASSWORD)
            record(Verb.CONFIRMED, user, {"by": (None, shown)})
        waiting = request.POST.get(_WAITING)
        if waiting == "GET":
            return HttpResponseRedirect(request.get_full_path())
        if waiting:
            request.POST = _carried_post(request)  # type: ignore[assignment]
        return view(request, *args, **options)

    return guarded


def confirmed_writes(view: View) -> View:
    """Ask for a confirmation before a POST only."""
    guarded = confirmed_first(view)

    @wraps(view)
    def by_method(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        return (guarded if request.method == "POST" else view)(request, *args, **options)

    return by_method


class _SecurityKeyOptions(ReauthenticateWebAuthnView):  # type: ignore[misc]  # allauth ships no types
    """allauth's page for a confirmation, of which only the question to the security key is used."""

    def get_reauthentication_alternatives(self) -> list[Any]:
        return []


def _may_add_first_factor(request: HttpRequest, *, now: datetime) -> bool:
    """Tell whether somebody who can confirm in no other way may begin with a factor: they signed in at the provider
    again just now, and it never says when it asked. Decision 0041 has the reasons."""
    user = cast("User", request.user)
    return (
        came_back_untimed(request.session, now=now, within=FIRST_FACTOR_WITHIN)
        and not (has_factor(user) or has_password(user))
        and not states_time(SocialAccount.objects.filter(user=user))
    )


class _Ways:
    """The ways in which a reader may confirm: a form for each that they have."""

    def __init__(self, request: HttpRequest, *, with_password: bool) -> None:
        user = cast("User", request.user)
        types = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
        has = {
            "credential": Authenticator.Type.WEBAUTHN in types,
            "code": bool(types & _CODES),
            "password": with_password and has_password(user),
        }
        self._request = request
        self.user = user
        self.has_app = Authenticator.Type.TOTP in types
        self.forms = {name: self._form(name) for name in has if has[name]}

    def shown(self) -> str:
        """Check what was sent, the first of the ways that was used, and return what it is; empty if it is wrong."""
        name, form = next(((name, form) for name, form in self.forms.items() if form.is_bound), ("", None))
        if form is None or not form.is_valid():
            return ""
        if name == "password":
            return _BY_PASSWORD
        form.save()  # a factor notes when it was used
        factor = form.cleaned_data["credential"] if name == "credential" else form.authenticator
        return SHOWN[factor.type]

    def options(self) -> str:
        """Return what the browser asks a security key, as JSON; empty for who has none."""
        if "credential" not in self.forms:
            return ""
        view = _SecurityKeyOptions()
        view.setup(self._request)
        return json.dumps(view.get_context_data()["js_data"]["request_options"]["publicKey"])

    def _form(self, name: str) -> Any:
        sent = self._request.POST
        data = sent if sent.get(f"{_PREFIX}-{name}") else None
        return get_form_class(app_settings.FORMS, *_FORMS[name])(user=self.user, data=data, prefix=_PREFIX)


def _ask(request: HttpRequest, ways: _Ways) -> HttpResponse:
    is_waiting = _WAITING in request.POST
    context = {
        "forms": ways.forms,
        "has_app": ways.has_app,
        "options": ways.options(),
        "sso_name": provider_name(),
        "is_untimed": came_back_untimed(request.session, now=timezone.now()),
        "page": page_of(request) or request.get_full_path(),
        "waiting": request.POST.get(_WAITING, request.method),
        "carried": list(_carried(request)),
        "is_empty": is_waiting and not any(form.is_bound for form in ways.forms.values()),
    }
    status = 422 if request.method == "POST" else 200
    response = render_dialog(request, "confirm.html", context, status=status)
    add_never_cache_headers(response)
    return response


def _carried(request: HttpRequest) -> Iterator[tuple[str, str]]:
    """Yield the fields that were sent, but for this form's own and for passwords, which no page repeats."""
    for name, values in request.POST.lists():
        if name != "csrfmiddlewaretoken" and not name.startswith(f"{_PREFIX}-") and "password" not in name:
            yield from ((name, str(value)) for value in values)


def _carried_post(request: HttpRequest) -> QueryDict:
    post = request.POST.copy()
    for name in list(post):
        if name.startswith(f"{_PREFIX}-"):
            del post[name]
    return post
