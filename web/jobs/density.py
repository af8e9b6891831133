"""Height of rows in job tables: normal, or compact. The URL says it, and a cookie remembers it."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from web.components.lists import Choices

NORMAL: Final = "normal"
COMPACT: Final = "compact"
DENSITIES: Final = {NORMAL: "Normal", COMPACT: "Dense"}
_COOKIE: Final = "density"
_ONE_YEAR: Final = 365 * 24 * 60 * 60


def known_density(text: str) -> str:
    """Return the text if it is a density; else nothing."""
    return text if text in DENSITIES else ""


def density_of(choices: Choices, request: HttpRequest) -> str:
    """Return the density that the URL says, else the one that the reader chose last."""
    return choices["density"] or known_density(request.COOKIES.get(_COOKIE, "")) or NORMAL


def remember_density(response: HttpResponse, request: HttpRequest) -> HttpResponse:
    """Remember the density that the URL of the request says."""
    if density := known_density(request.GET.get("density", "")):
        response.set_cookie(
            _COOKIE, density, max_age=_ONE_YEAR, samesite="Lax", httponly=True, secure=settings.SERVED_OVER_TLS
        )
    return response
