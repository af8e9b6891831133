"""Access to /metrics: for a scraper with METRICS_TOKEN, and for administrators who signed in."""

from typing import Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.crypto import constant_time_compare
from django.utils.deprecation import MiddlewareMixin
from django.views.decorators.http import require_safe

from server.metrics.exposition import exposition

PATH: Final = "/metrics"


class MetricsMiddleware(MiddlewareMixin):
    """Middleware that answers the scraper before all other middleware.

    A scraper comes by address, which ALLOWED_HOSTS does not contain, every few seconds, also while the database is
    unavailable.
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if request.path_info != PATH or not _has_token(request):
            return None
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return exposition(request)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Show the metrics to administrators. Anybody else learns that a token is needed."""
    if not request.user.is_authenticated:
        return HttpResponse(
            "Send METRICS_TOKEN as `Authorization: Bearer <token>`, or sign in as an administrator.\n",
            status=401,
            content_type="text/plain",
            headers={"WWW-Authenticate": "Bearer"},
        )
    if not request.user.is_superuser:
        raise PermissionDenied
    return exposition(request)


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.METRICS_TOKEN
    return bool(wanted) and scheme.lower() == "bearer" and constant_time_compare(token.strip(), wanted)
