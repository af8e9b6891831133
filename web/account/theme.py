"""The colour theme, in a cookie, so that the server writes it into the page and nothing flashes."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "theme"
ONE_YEAR = 365 * 24 * 60 * 60


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    chosen = request.POST.get("theme", "")
    if chosen not in THEMES:
        return HttpResponseBadRequest(f"theme is one of {', '.join(THEMES)}", content_type="text/plain")
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = resolve_url("home")
    response = HttpResponseRedirect(back)
    response.set_cookie(
        THEME_COOKIE, chosen, max_age=ONE_YEAR, samesite="Lax", httponly=True, secure=settings.SERVED_OVER_TLS
    )
    return response
