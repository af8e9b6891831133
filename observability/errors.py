"""The answer to a request that met a defect of ours. Django has logged it."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults


def server_error(request: HttpRequest) -> HttpResponse:
    """A page for people, and for programs the API's shape of errors."""
    if not request.path_info.startswith("/api/"):
        return defaults.server_error(request)
    error = {"code": "internal_error", "message": "The request met a defect of the server.", "detail": None}
    return JsonResponse({"error": error}, status=HTTPStatus.INTERNAL_SERVER_ERROR)
