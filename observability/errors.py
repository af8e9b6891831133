"""The answer to what no view expected: the database is away, or there is a defect of ours. Django has logged it."""

import sys
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views import defaults


def server_error(request: HttpRequest) -> HttpResponse:
    """A page for people, and for programs the API's shape of errors."""
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        return _unavailable(request)
    if not _is_program(request):
        return defaults.server_error(request)
    return _error("internal_error", "The request met a defect of the server.", HTTPStatus.INTERNAL_SERVER_ERROR)


def _unavailable(request: HttpRequest) -> HttpResponse:
    """As the intake and the API say it themselves."""
    status = HTTPStatus.SERVICE_UNAVAILABLE
    if _is_program(request):
        response = _error("unavailable", "The database cannot be reached. Try again.", status)
    else:
        response = render(request, "503.html", status=status)
    response["Retry-After"] = "1"
    return response


def _is_program(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


def _error(code: str, message: str, status: HTTPStatus) -> HttpResponse:
    return JsonResponse({"error": {"code": code, "message": message, "detail": None}}, status=status)
