"""Middleware for MFA_REQUIRED: who must have a factor and has none gets the pages that set one up, and no other."""

from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from people.factors import has_factor, must_have_factor
from people.ways_of_sign_in import way_of_sign_in
from web.account.factors import FACTORS_PAGE, PAGE_AFTER

# Views that everybody may use: those that set a factor up, signing out, and what shows nothing of the product.
_OPEN: Final = frozenset(
    {
        FACTORS_PAGE,
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_view_recovery_codes",
        "account_login",
        "account_logout",
        "sso",
        "openid_connect_callback",
        "admin:logout",
        "password_link",
        "theme",
        "favicon",
    }
)


class RequiredFactorMiddleware:
    """Redirects to the factors. Stands behind the one that reads the user; API tokens are read later, in the API."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # All pages leave out the navigation then, also that of a path that leads nowhere.
        request.needs_factor = _needs_factor(request)  # type: ignore[attr-defined]
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Any, _args: Any, _options: dict[str, Any]
    ) -> HttpResponse | None:
        match = request.resolver_match
        is_open = match is not None and match.view_name in _OPEN
        needs_factor: bool = request.needs_factor  # type: ignore[attr-defined]
        return _refuse(request) if needs_factor and not is_open else None


def _needs_factor(request: HttpRequest) -> bool:
    if settings.MFA_REQUIRED == "off" or not request.user.is_authenticated:
        return False
    if not must_have_factor(request.user) or has_factor(request.user):
        return False
    # Who came from an identity provider shows factors there.
    return not way_of_sign_in(request, request.user).by_provider


def _refuse(request: HttpRequest) -> HttpResponse:
    if request.path_info.startswith("/api/"):
        message = "Set up a second step of signing in first: see Two-step sign-in on your account's page."
        return JsonResponse({"error": {"code": "factor_required", "message": message, "detail": None}}, status=403)
    if request.method == "GET" and not request.htmx:  # type: ignore[attr-defined]
        request.session[PAGE_AFTER] = request.get_full_path()
    page = reverse(FACTORS_PAGE)
    return HttpResponseClientRedirect(page) if request.htmx else HttpResponseRedirect(page)  # type: ignore[attr-defined]
