"""Where a connection's orchestrator sends its events."""

from django.conf import settings
from django.http import HttpRequest

from connections.models import Connection

_LOCAL = "http://127.0.0.1:8000"


def endpoint_url(connection: Connection, request: HttpRequest | None = None) -> str:
    """The URL to copy into the sender's settings: under PUBLIC_URL, else under the host that was asked."""
    base = settings.PUBLIC_URL
    if not base:
        base = f"{request.scheme}://{request.get_host()}" if request else _LOCAL
    return f"{base}/gateway/openlineage/{connection.id}"
