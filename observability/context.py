"""Context processor: values for every page's template."""

from django.http import HttpRequest

from web.account.theme import THEME_COOKIE, THEMES


def theme(request: HttpRequest) -> dict[str, str]:
    """Return the colour theme that the reader chose; `auto` follows the system."""
    chosen = request.COOKIES.get(THEME_COOKIE, "auto")
    return {"theme": chosen if chosen in THEMES else "auto"}
