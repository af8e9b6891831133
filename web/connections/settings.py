"""A connection's Settings: where to send, with which key, how to set the sender up, and what arrived so far."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from connections.endpoint import endpoint_url
from connections.models import ApiKey, Attempt, Connection
from lineage.overview.summaries import ConnectionSummary, connection_summary
from web.components.rendering import render_page
from web.guides import (
    GUIDES,
    KEY_PLACEHOLDER,
    Guide,
    SenderValues,
    Snippet,
    guide_named,
)

ATTEMPTS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What changes by itself while somebody sets a sender up."""

    summary: ConnectionSummary
    api_keys: list[ApiKey]
    attempts: list[Attempt]


@dataclass(frozen=True, slots=True)
class Setup:
    """What the sender must be told, in the words of one guide."""

    values: SenderValues
    guide: Guide
    guides: tuple[Guide, ...] = GUIDES

    @property
    def snippets(self) -> dict[str, Snippet]:
        return self.guide.snippets(self.values)

    @property
    def snippets_with_key(self) -> list[Snippet]:
        """Those that name the key: what there is to copy where it is shown."""
        return [snippet for snippet in self.snippets.values() if self.values.key in snippet.text]


def arrivals_of(connection: Connection, *, now: datetime) -> Arrivals:
    return Arrivals(
        summary=connection_summary(connection, now=now),
        api_keys=list(connection.api_keys.select_related("created_by")),
        attempts=list(connection.attempts.newest(ATTEMPTS_SHOWN)),
    )


def setup_of(connection: Connection, request: HttpRequest, key: str = "") -> Setup:
    """With the key, where it was made in this very moment, else with words in its place."""
    values = SenderValues(endpoint_url(connection, request), key or KEY_PLACEHOLDER)
    return Setup(values, guide_named(request.GET.get("guide", ""), connection))


@require_safe
@login_required
def connection_settings(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    connection = get_object_or_404(Connection.objects.visible(), pk=connection_id)
    now = timezone.now()
    arrivals = arrivals_of(connection, now=now)
    context = {
        "connection": connection,
        "summary": arrivals.summary,
        "arrivals": arrivals,
        "setup": setup_of(connection, request),
        "now": now,
    }
    response = render_page(request, "connections/settings.html", context, region="arrivals")
    # A new key is shown in a dialog over this page: no copy of the page may bring it back.
    patch_cache_control(response, no_store=True)
    return response
