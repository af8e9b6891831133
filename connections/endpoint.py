"""The URL to which a connection's orchestrator sends its events."""

from django.conf import settings
from django.http import HttpRequest

from connections.models import Connection


def endpoint_url(connection: Connection, request: HttpRequest | None = None) -> str:
    """The URL to copy into the sender's settings: under PUBLIC_URL, else under the host that was asked, else where the
    quick start serves."""
    base = settings.PUBLIC_URL
    if not base:
        base = f"{request.scheme}://{request.get_host()}" if request else settings.LOCAL_URL
    return f"{base}/gateway/openlineage/{connection.id}"
