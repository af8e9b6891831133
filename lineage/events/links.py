"""Links from a run to its orchestrator's page or log, as facets carry them. Only http and https: pages link to them."""

from typing import Final, NamedTuple
from urllib.parse import urlsplit

from lineage.events.facets import MAX_TEXT_CHARACTERS

# Most links of one run.
MAX_LINKS: Final = 10


class Link(NamedTuple):
    """Link with the words that a page shows for it, such as `Task log`."""

    title: str
    url: str


def link(title: str, url: object) -> Link | None:
    """Return a link. None if `url` is no absolute URL with http or https, or if it is too long.

    A longer one is left out: cut, it would lead somewhere else.
    """
    if not isinstance(url, str) or len(url) > MAX_TEXT_CHARACTERS or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return Link(title, url) if parts.scheme in ("http", "https") and parts.hostname else None
