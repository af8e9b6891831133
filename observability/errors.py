"""Responses to errors that no view answers: the database is unavailable, the product has a defect, a form has expired.
Django has logged the error."""

import sys
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

from observability.context import theme
from web.components.rendering import page_of, read_permissions


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - as Django calls it
    return _page(request, "400.html", HTTPStatus.BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - as Django calls it
    return _page(request, "403.html", HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - as Django calls it
    if _is_sender(request):
        return _no_endpoint()
    return _page(request, "404.html", HTTPStatus.NOT_FOUND)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django logged the reason
    """Answer to a form that was loaded before its reader signed in or out elsewhere: lead to sign in, and back.

    Who is signed in already comes back at once, to a form that works. A sender that posts to a page gets JSON.
    """
    if _is_sender(request):
        return _no_endpoint()
    sign_in = reverse("account_login")
    page = page_of(request) or _page_before(request)
    if not page.startswith(sign_in):
        sign_in = f"{sign_in}?{urlencode({'next': page})}"
    if not request.htmx:  # type: ignore[attr-defined]
        return _page(request, "403_csrf.html", HTTPStatus.FORBIDDEN, sign_in=sign_in)
    messages.error(request, "The form had expired, and nothing was changed. Please send it again.")
    return HttpResponseClientRedirect(sign_in)


def _page_before(request: HttpRequest) -> str:
    """Return the path of the page that the form stands on, as far as the browser tells it."""
    referer = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(referer, allowed_hosts={request.get_host()}):
        return reverse("home")
    parts = urlsplit(referer)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer with a page for people, and with the API's error shape for programs."""
    error = sys.exception()
    if isinstance(error, OperationalError | InterfaceError):
        response = _unavailable(request)
        response.database_error = error  # type: ignore[attr-defined]  # see server/lost_sessions.py
        return response
    if not is_program(request):
        return _page_without_reader(request, "500.html", HTTPStatus.INTERNAL_SERVER_ERROR)
    return _error("internal_error", "The server failed to process the request.", HTTPStatus.INTERNAL_SERVER_ERROR)


def _unavailable(request: HttpRequest) -> HttpResponse:
    """Answer 503, as intake and the API do themselves."""
    status = HTTPStatus.SERVICE_UNAVAILABLE
    if is_program(request):
        response = _error("unavailable", "The database cannot be reached. Try again.", status)
    else:
        response = _page_without_reader(request, "503.html", status)
    response["Retry-After"] = "1"
    return response


def _page(request: HttpRequest, template: str, status: HTTPStatus, **context: str) -> HttpResponse:
    """Render a page with navigation and the reader's account."""
    # A request that is refused early has no reader yet.
    if hasattr(request, "user"):
        read_permissions(request)
    return render(request, template, context, status=status)


def _page_without_reader(request: HttpRequest, template: str, status: HTTPStatus) -> HttpResponse:
    """Render a page with navigation. Who reads it is not asked: the database, or what reads it, may be what failed."""
    return HttpResponse(render_to_string(template, theme(request)), status=status)


def is_program(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


def _is_sender(request: HttpRequest) -> bool:
    """Tell whether a program posts something to a page. Browsers send forms, without a key."""
    is_json = request.content_type == "application/json"
    return request.method == "POST" and (is_json or request.headers.get("Authorization", "").startswith("Bearer "))


def _no_endpoint() -> HttpResponse:
    message = "No events are taken in at this path. Send them to the endpoint URL that a connection's page shows."
    return _error("unknown_path", message, HTTPStatus.NOT_FOUND)


def _error(code: str, message: str, status: HTTPStatus) -> HttpResponse:
    return JsonResponse({"error": {"code": code, "message": message, "detail": None}}, status=status)
