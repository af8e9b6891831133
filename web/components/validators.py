"""ETags of pages and of their live regions. They cover data, not words of time: what is unchanged is not sent again."""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response

from web.components.time_zones import runs_scripts

# What stands in <time>: static/js/live.js keeps it up to date. Its attribute `datetime` counts.
_TIMES: Final = re.compile(rb">[^<]*</time>")
# In each answer Django masks the token anew. Any of them is right as long as the cookie is the same.
_CSRF_TOKENS: Final = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"')
_SWAPS: Final = re.compile(rb' hx-swap-oob="[^"]*"')


class LiveParts:
    """Parts of a page that the answer for its live region holds, too, as the tag `live` collects them.

    So a page can say which ETag its region's answer would have, and the first question for it is answered with 304.
    """

    def __init__(self, region: str) -> None:
        self.region = region
        self._parts: list[str] = []

    def add(self, html: str) -> None:
        self._parts.append(html)

    @property
    def etag(self) -> str:
        """Return the ETag of the parts so far, in any order. Empty without any."""
        if not self._parts:
            return ""
        return _etag(_TIMES.sub(b"", _SWAPS.sub(b"", part.encode())) for part in sorted(self._parts))


def page_etag(request: HttpRequest, content: bytes) -> str | None:
    """Return the ETag of a whole page. None for one that has a form, and is the first to set the cookie for it.

    Without scripts words of time stay as they were sent, so they count.
    """
    secret = request.COOKIES.get(settings.CSRF_COOKIE_NAME, "")
    if _CSRF_TOKENS.search(content) and not secret:
        return None
    counted = _CSRF_TOKENS.sub(b"", content)
    return _etag([_TIMES.sub(b"", counted) if runs_scripts(request) else counted, secret.encode()])


def with_etag(request: HttpRequest, response: HttpResponse, etag: str | None) -> HttpResponse:
    """Return the response with this ETag, or 304 in its place if the browser has it."""
    if etag is None:
        return response
    response["ETag"] = etag
    # A browser sends the ETag back as weak if the answer was compressed.
    found: HttpResponse = get_conditional_response(request, etag=etag, response=response) or response
    return found


def _etag(parts: Iterable[bytes]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part + b"\0")
    return f'"{digest.hexdigest()}"'
