"""Middleware that answers health probes before all other middleware.

Probes come by address (a container's own, 127.0.0.1), which ALLOWED_HOSTS does not contain, over plain HTTP, every few
seconds. They need no session, no log line and no check of the host.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils.deprecation import MiddlewareMixin

from server.health.probes import ReadinessProbe, connect, pool_session

_READINESS: Final = ReadinessProbe(connect, pool_session)


def live(_request: HttpRequest) -> HttpResponse:
    """Answer 200: this process works."""
    return JsonResponse({"status": "live"})


def ready(_request: HttpRequest) -> HttpResponse:
    """Answer 200, or 503 with the failed check, which means that no requests should be sent here."""
    readiness = _READINESS.ask()
    status = HTTPStatus.OK if readiness.ok else HTTPStatus.SERVICE_UNAVAILABLE
    return JsonResponse(readiness.as_json(), status=status)


PROBES: Final[Mapping[str, Callable[[HttpRequest], HttpResponse]]] = {"/health/live": live, "/health/ready": ready}


class HealthMiddleware(MiddlewareMixin):
    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        probe = PROBES.get(request.path_info)
        if probe is None:
            return None
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        response = probe(request)
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Length"] = str(len(response.content))
        return response
