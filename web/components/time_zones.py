"""The reader's time zone: the chosen one, else that of the browser, which static/js/zone.js tells; else UTC.

Both are cookies, as the theme is: a reader may look at one page in two places at once. Zones have their IANA names.
"""

from datetime import UTC, datetime
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest
from django.utils import timezone

CHOSEN_COOKIE: Final = "time-zone"
# static/js/zone.js has the name, too.
BROWSER_COOKIE: Final = "browser-time-zone"
_UTC: Final = ZoneInfo("UTC")


@cache
def zone_names() -> frozenset[str]:
    """Return the name of each known zone. The package tzdata adds old ones that browsers still use: Asia/Calcutta."""
    return frozenset(available_timezones())


def zone_named(name: str) -> ZoneInfo | None:
    """Return the zone with this name. None if it is unknown."""
    return ZoneInfo(name) if name in zone_names() else None


def chosen_zone(request: HttpRequest) -> ZoneInfo | None:
    return zone_named(request.COOKIES.get(CHOSEN_COOKIE, ""))


def browser_zone(request: HttpRequest) -> ZoneInfo:
    """Return the zone of the browser; UTC without scripts."""
    return zone_named(request.COOKIES.get(BROWSER_COOKIE, "")) or _UTC


def zone_of(request: HttpRequest) -> ZoneInfo:
    return chosen_zone(request) or browser_zone(request)


def runs_scripts(request: HttpRequest) -> bool:
    """True if a script of ours ran in the browser before. So words such as `5 min ago` are kept up to date there."""
    return BROWSER_COOKIE in request.COOKIES


def offset_words(zone: ZoneInfo, now: datetime) -> str:
    """`UTC+1`, `UTC-3:30`, `UTC`: how far a zone's clock is ahead of UTC at this moment."""
    minutes = round((now.astimezone(zone).utcoffset() or now - now).total_seconds() / 60)
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '-'}{hours}" + (f":{rest:02}" if rest else "")


def in_utc(text: str, zone_name: str) -> str:
    """`2026-03-02T11:00:00Z` for `2026-03-02T12:00` by the clock of a zone; the reader's if its name is unknown.

    A text with an offset, and one that is no time, stay as they are.
    """
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return text
        at = at.replace(tzinfo=zone_named(zone_name) or timezone.get_current_timezone()).astimezone(UTC)
    except (ValueError, OverflowError):
        return text
    return f"{at.replace(tzinfo=None).isoformat()}Z"
