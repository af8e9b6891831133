"""The URLs to which senders send their events."""

from django.conf import settings
from django.http import HttpRequest

from connections.models import Connection


def endpoint_url(connection: Connection, request: HttpRequest | None = None) -> str:
    """The URL of a connection, to copy into its sender's settings."""
    return f"{base_url(request)}/gateway/openlineage/{connection.id}"


def workspace_url(request: HttpRequest | None = None) -> str:
    """The URL of senders with a workspace key."""
    return f"{base_url(request)}/api/v1/lineage"


def base_url(request: HttpRequest | None = None) -> str:
    """The product's own URL: PUBLIC_URL, else the host that was asked, else where the quick start serves."""
    if settings.PUBLIC_URL:
        return str(settings.PUBLIC_URL)
    return f"{request.scheme}://{request.get_host()}" if request else str(settings.LOCAL_URL)
