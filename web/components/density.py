"""Height of the rows of lists: normal, or compact. The URL says it, and a cookie remembers it for all lists."""

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from web.components.lists import Choices, Option
from web.components.rendering import is_refresh
from web.components.values import one_of

NORMAL: Final = "normal"
COMPACT: Final = "compact"
DENSITIES: Final = {NORMAL: "Normal", COMPACT: "Dense"}
# What lists keep in their links.
DENSITY: Final = {"density": one_of(DENSITIES)}
_COOKIE: Final = "density"
_ONE_YEAR: Final = 365 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Density:
    """Density of a list. `options`: links to this page of the list in each density."""

    is_compact: bool
    options: list[Option]


def density_of(choices: Choices, request: HttpRequest) -> Density:
    """Return the density that the URL says, else the one that the reader chose last."""
    remembered = request.COOKIES.get(_COOKIE, "")
    chosen = choices["density"] or (remembered if remembered in DENSITIES else NORMAL)
    place = choices.listing.place
    options = [
        Option(one, title, choices.query(**{"density": one, place: choices[place]}), one == chosen, "")
        for one, title in DENSITIES.items()
    ]
    return Density(chosen == COMPACT, options)


def remember_density(request: HttpRequest, response: HttpResponse, choices: Choices) -> HttpResponse:
    """Remember the density that the URL says. A list that refreshes itself chooses none: the reader did, before."""
    if (density := choices["density"]) and not is_refresh(request):
        response.set_cookie(
            _COOKIE, density, max_age=_ONE_YEAR, samesite="Lax", httponly=True, secure=settings.SERVED_OVER_TLS
        )
    return response
