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

from connections.endpoint import endpoint_url, workspace_url
from connections.models import ApiKey, Attempt, Connection, ConnectionAccess
from lineage.overview.setup import SetupState, is_reached, setup_state
from lineage.overview.summaries import ConnectionSummary, connection_summary
from pull.reading import SYNCS_SHOWN, Fetching, read_fetching
from web.components.rendering import render_page
from web.connections.key_list import KeyList, read_keys
from web.connections.refusals import Refusal, read_refusal
from web.connections.rights import with_rights
from web.connections.source_form import rooms_for
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
    """Parts of the page that change by themselves while a sender is set up, or while runs are fetched."""

    # None if nothing is fetched for the connection.
    fetching: Fetching | None
    summary: ConnectionSummary
    api_keys: KeyList[ApiKey]
    attempts: list[Attempt]
    state: SetupState
    # The newest request, if it was refused.
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Setup:
    """Configuration of the sender, as one guide explains it."""

    values: SenderValues
    guide: Guide
    guides: tuple[Guide, ...] = GUIDES

    @property
    def snippets(self) -> dict[str, Snippet]:
        return self.guide.snippets(self.values)

    @property
    def snippets_with_key(self) -> list[Snippet]:
        """Snippets that contain the key, to copy while it is shown."""
        return [snippet for snippet in self.snippets.values() if self.values.key in snippet.text]


def read_arrivals(connection: Connection, request: HttpRequest, *, now: datetime) -> Arrivals:
    fetching = read_fetching(connection, now=now, syncs=SYNCS_SHOWN)
    summary = connection_summary(connection, now=now, fetching=fetching)
    api_keys = read_keys(connection.api_keys.select_related("created_by"), request)
    attempts = list(connection.attempts.newest(ATTEMPTS_SHOWN))
    state = setup_state(
        attempts,
        has_key=bool(api_keys.keys),
        fetches=fetching is not None,
        takes_workspace_keys=not (api_keys.keys or fetching or summary.is_connected) and is_reached(connection),
        is_connected=summary.is_connected,
        added_at=connection.created_at,
        now=now,
    )
    return Arrivals(fetching, summary, api_keys, attempts, state, read_refusal(state.refused, request.user))


def read_members(connection: Connection) -> list[ConnectionAccess]:
    """Return the members if the reader may manage them, people before groups, by name."""
    if not connection.rights.manage_access:
        return []
    return list(connection.accesses.select_related("user", "group").order_by("user__username", "group__name"))


def setup_of(connection: Connection, request: HttpRequest, key: str = "") -> Setup:
    """Fill the guide with `key`, or with a placeholder if the key was not made by this request."""
    values = SenderValues(endpoint_url(connection, request), key or KEY_PLACEHOLDER)
    return Setup(values, guide_named(request.GET.get("guide", ""), connection))


@require_safe
@login_required
def connection_settings(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    connection = get_object_or_404(Connection.objects.visible(request.user), pk=connection_id)
    now = timezone.now()
    arrivals = read_arrivals(connection, request, now=now)
    with_rights([connection], request.user)
    context = {
        "connection": connection,
        "summary": arrivals.summary,
        "arrivals": arrivals,
        "fetching": arrivals.fetching,
        "rooms": rooms_for(connection.type),
        "setup": setup_of(connection, request),
        "routes": list(connection.routes.all()),
        "workspace_url": workspace_url(request),
        "members": read_members(connection),
        "now": now,
    }
    response = render_page(request, "connections/settings.html", context, region="arrivals")
    # A new key is shown in a dialog over this page: no copy of the page may bring it back.
    patch_cache_control(response, no_store=True)
    return response
