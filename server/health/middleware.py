"""Answers the health probes before anything else looks at the request.

They come by address (a container's own, 127.0.0.1), which ALLOWED_HOSTS does not name, over plain HTTP, and every
few seconds: no session, no log line, no check of the host.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils.deprecation import MiddlewareMixin

from server.health.probes import ReadinessProbe, connect

_READINESS: Final = ReadinessProbe(connect)


def live(_request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return JsonResponse({"status": "live"})


def ready(_request: HttpRequest) -> HttpResponse:
    """200, or 503 with the check that failed: until then nothing should be sent here."""
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
