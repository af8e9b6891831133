"""The first event: Settings waits for it, and says by itself that it came."""

import re
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client

from connections.models import Connection
from tests.web.rows import NOW, make_activity, make_connection
from tests.web.test_settings import make_attempt, make_key

pytestmark = pytest.mark.django_db

FRAGMENT = {"HX-Request": "true", "HX-Target": "arrivals"}


def refresh(client: Client, connection: Connection, etag: str = "") -> Any:
    with time_machine.travel(NOW, tick=False):
        return client.get(
            f"/connections/{connection.pk}/settings", headers={**FRAGMENT, **({"If-None-Match": etag} if etag else {})}
        )


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def test_from_waiting_to_received(as_viewer: Client) -> None:
    connection = make_connection()
    key = make_key(connection)
    waiting = refresh(as_viewer, connection)
    text = text_of(waiting)
    assert "Waiting for the first event" in text
    assert "Setup incomplete API key never used" in text
    assert refresh(as_viewer, connection, waiting["ETag"]).status_code == 304

    make_activity(connection, "shop.load_orders")
    make_attempt(connection, at=NOW, job_name="shop.load_orders", key_name=key.name)
    key.last_used_at = NOW
    key.save()
    received = refresh(as_viewer, connection, waiting["ETag"])
    text = text_of(received)
    assert "First event received: job shop.load_orders at 12:00:00 2 March 2026." in text
    assert "Stored HTTP 201 just now" in text
    # The key's last use and the badge stand elsewhere on the page, and come along.
    assert "Connected" in text
    assert "scheduler obs_…wxyz" in text
    html = received.content.decode()
    assert html.lstrip().startswith('<div class="settings-side" id="arrivals" data-live')
    assert re.findall(r'id="([\w-]+)"[^>]* hx-swap-oob="morph"', html) == ["fetching", "api-keys", "connection-status"]


def test_a_first_event_that_was_about_no_job(as_viewer: Client) -> None:
    connection = make_connection()
    make_activity(connection, "")
    assert "First event received at 12:00:00" in text_of(refresh(as_viewer, connection))


def test_a_refused_attempt_is_said_while_waiting(as_viewer: Client) -> None:
    connection = make_connection()
    make_key(connection)
    make_attempt(connection, "rejected", 401, reason="The API key is unknown or was deleted.")
    text = text_of(refresh(as_viewer, connection))
    assert "Last request refused The API key is unknown or was deleted. HTTP 401" in text
    assert "Last request refused: The API key is unknown or was deleted" in text


def test_a_full_page_has_the_parts_once(as_viewer: Client) -> None:
    connection = make_connection()
    html = as_viewer.get(f"/connections/{connection.pk}/settings").content.decode()
    for dom_id in ("arrivals", "api-keys", "connection-status"):
        assert html.count(f'id="{dom_id}"') == 1
    assert "hx-swap-oob" not in html
