"""Answers of views: a page, one live region of it, or a form in a dialog; each under the page's own address.

A region and a dialog are partials of the page's template, named after their DOM id.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urldefrag

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from web.components.validators import LiveParts, page_etag, with_etag

# The DOM id of what base.html's dialog holds, hence the name of the partial.
DIALOG = "dialog-content"
# Of the views that show a form in a dialog, and take it.
dialog_methods = require_http_methods(["GET", "HEAD", "POST"])
# The error at the field of a connection's name.
NAME_TAKEN = "There is a connection with this name already."


def render_page(request: HttpRequest, template: str, context: Mapping[str, Any], *, region: str = "") -> HttpResponse:
    """Render the page, or its live `region` alone where HTMX asks for it: 304 if the ETag in If-None-Match still fits.

    In the region's answer `is_fragment` is True, and other parts of the page may follow the region.
    """
    live = LiveParts(region)
    if region and asks_for(request, region):
        response = render(request, f"{template}#{region}", {**context, "live": live, "is_fragment": True})
        etag = live.etag or page_etag(request, response.content)
    else:
        read_permissions(request)
        response = render(request, template, {**context, "live": live if region else None})
        etag = page_etag(request, response.content)
    return for_this_reader(with_etag(request, response, etag))


def render_part(request: HttpRequest, template: str, context: Mapping[str, Any]) -> HttpResponse:
    """Render a part of all pages that keeps itself up to date: 304 if the ETag in If-None-Match still fits."""
    response = render(request, template, context)
    return for_this_reader(with_etag(request, response, page_etag(request, response.content)))


def read_permissions(request: HttpRequest) -> None:
    """Read what the signed-in user may do, before a template asks for it. Django keeps it with the user."""
    if not request.user.is_superuser:  # who may do everything
        request.user.get_all_permissions()


def render_dialog(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render a form, in the dialog if HTMX asks for it, else as a page. Status 422 if the sent form has errors."""
    in_dialog = asks_for(request, DIALOG)
    if not in_dialog:
        read_permissions(request)
    name = f"{template}#{DIALOG}" if in_dialog else template
    return for_this_reader(render(request, name, {**context, "in_dialog": in_dialog}, status=status))


def leave_dialog(request: HttpRequest, url: str) -> HttpResponse:
    """Lead to another page, after a form was accepted."""
    return HttpResponseClientRedirect(url) if request.htmx else HttpResponseRedirect(url)  # type: ignore[attr-defined]


def stay(request: HttpRequest, otherwise: str) -> str:
    """The URL of the page on which the dialog stands; `otherwise`, where the form is a page of its own."""
    return page_of(request) or otherwise


def page_of(request: HttpRequest) -> str | None:
    """The path and query of the page on which HTMX asks; None without HTMX, or where that is no page of ours.

    Without the fragment: a browser that is led to the address that it shows would only scroll to it.
    """
    try:
        page = request.htmx.current_url_abs_path if request.htmx else None  # type: ignore[attr-defined]
    except ValueError:  # no URL at all
        return None
    path = urldefrag(page or "").url
    # `//elsewhere.test/` is an address of another site.
    return path if url_has_allowed_host_and_scheme(path, allowed_hosts=None) else None


def asks_for(request: HttpRequest, dom_id: str) -> bool:
    """True if HTMX asks for this part of the page alone."""
    return bool(request.htmx) and request.htmx.target == dom_id  # type: ignore[attr-defined]


def is_refresh(request: HttpRequest) -> bool:
    """True if a part of a page asks for itself: nobody clicked."""
    return bool(request.htmx) and request.htmx.trigger == request.htmx.target  # type: ignore[attr-defined]


def for_this_reader(response: HttpResponse) -> HttpResponse:
    """Let only the reader's own browser keep the answer, and ask each time."""
    patch_vary_headers(response, ("HX-Request", "HX-Target", "Cookie"))
    patch_cache_control(response, private=True, no_cache=True)
    return response
