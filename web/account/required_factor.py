"""Middleware for MFA_REQUIRED: who must have a factor and has none gets the pages that set one up, and no other."""

from collections.abc import Callable
from typing import Any, Final

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from people.factors import has_factor, must_have_factor
from web.account.factors import FACTORS_PAGE

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
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Any, _args: Any, _options: dict[str, Any]
    ) -> HttpResponse | None:
        if settings.MFA_REQUIRED == "off" or not request.user.is_authenticated:
            return None
        if not must_have_factor(request.user) or has_factor(request.user) or _came_from_provider(request):
            return None
        request.needs_factor = True  # type: ignore[attr-defined]  # pages leave out the navigation
        match = request.resolver_match
        if match and match.view_name in _OPEN:
            return None
        return _refuse(request)


def _came_from_provider(request: HttpRequest) -> bool:
    """Tell whether an identity provider signed the person in: factors are its matter then."""
    steps = get_authentication_records(request, request.user)
    return any(step["method"] == "socialaccount" for step in steps)


def _refuse(request: HttpRequest) -> HttpResponse:
    if request.path_info.startswith("/api/"):
        message = "Set up a second step of signing in first: see Two-step sign-in on your account's page."
        return JsonResponse({"error": {"code": "factor_required", "message": message, "detail": None}}, status=403)
    page = reverse(FACTORS_PAGE)
    return HttpResponseClientRedirect(page) if request.htmx else HttpResponseRedirect(page)  # type: ignore[attr-defined]
