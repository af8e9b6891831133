"""Responses to unexpected errors: the database is unavailable, or the product has a defect. Django has logged the
error."""

import sys
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views import defaults


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer with a page for people, and with the API's error shape for programs."""
    error = sys.exception()
    if isinstance(error, OperationalError | InterfaceError):
        response = _unavailable(request)
        response.database_error = error  # type: ignore[attr-defined]  # see server/lost_sessions.py
        return response
    if not is_program(request):
        return defaults.server_error(request)
    return _error("internal_error", "The server failed to process the request.", HTTPStatus.INTERNAL_SERVER_ERROR)


def _unavailable(request: HttpRequest) -> HttpResponse:
    """Answer 503, as intake and the API do themselves."""
    status = HTTPStatus.SERVICE_UNAVAILABLE
    if is_program(request):
        response = _error("unavailable", "The database cannot be reached. Try again.", status)
    else:
        response = render(request, "503.html", status=status)
    response["Retry-After"] = "1"
    return response


def is_program(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


def _error(code: str, message: str, status: HTTPStatus) -> HttpResponse:
    return JsonResponse({"error": {"code": code, "message": message, "detail": None}}, status=status)
