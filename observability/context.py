"""Context processors: values for every page's template."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils import timezone

from web.account.theme import THEME_COOKIE, THEMES
from web.components.time_zones import chosen_zone, offset_words, zone_of


def theme(request: HttpRequest) -> dict[str, str]:
    """Return the colour theme that the reader chose; `auto` follows the system."""
    chosen = request.COOKIES.get(THEME_COOKIE, "auto")
    return {"theme": chosen if chosen in THEMES else "auto"}


@dataclass(frozen=True, slots=True)
class Zone:
    """Time zone of a page. `offset`: from UTC at present, as in `UTC+1`. `is_chosen`: False if it is the browser's."""

    name: str
    offset: str
    is_chosen: bool


def zone(request: HttpRequest) -> dict[str, Zone]:
    """Return the time zone in which the page's times are."""
    shown = zone_of(request)
    return {"zone": Zone(str(shown), offset_words(shown, timezone.now()), chosen_zone(request) is not None)}
