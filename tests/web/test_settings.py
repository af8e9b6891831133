"""A connection's Settings: endpoint, keys, guides and attempts, for those who may see them."""

import re
import uuid
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connections.models import ApiKey, Attempt, Connection
from tests.web.rows import NOW, make_connection
from web.connections.key_list import KEYS_SHOWN
from web.guides import GUIDES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]


@pytest.fixture
def connection() -> Connection:
    return make_connection()


def get(client: Client, connection: Connection, query: str = "", **headers: str) -> Any:
    return client.get(f"/connections/{connection.pk}/settings{query}", headers=headers)


def html_of(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


def text_of(response: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html_of(response))).split())


def make_key(connection: Connection, name: str = "scheduler", **fields: Any) -> ApiKey:
    lookup = uuid.uuid4().hex
    fields = {"last_characters": "wxyz", "created_at": NOW - timedelta(days=3), **fields}
    return ApiKey.objects.create(connection=connection, name=name, lookup=lookup, secret_hash="hash", **fields)


def make_attempt(connection: Connection, outcome: str = "stored", status: int = 201, **fields: Any) -> Attempt:
    fields = {"at": NOW - timedelta(minutes=5), **fields}
    return Attempt.objects.create(connection=connection, outcome=outcome, status=status, **fields)


def test_the_endpoint_url(as_viewer: Client, connection: Connection, settings: Any) -> None:
    assert f">http://testserver/gateway/openlineage/{connection.pk}<" in html_of(get(as_viewer, connection))
    settings.PUBLIC_URL = "https://observatory.example"
    assert f">https://observatory.example/gateway/openlineage/{connection.pk}<" in html_of(get(as_viewer, connection))


def test_a_key_shows_its_ends_and_when_it_was_used(as_viewer: Client, connection: Connection, editor: User) -> None:
    make_key(connection, created_by=editor, last_used_at=NOW - timedelta(minutes=4))
    make_key(connection, "laptop")
    text = text_of(get(as_viewer, connection))
    assert "scheduler obs_…wxyz 3 days ago 2026-02-27 12:00:00 UTC by editor 4 min ago" in text
    assert "laptop obs_…wxyz 3 days ago 2026-02-27 12:00:00 UTC Never" in text


def test_no_key_yet(as_viewer: Client, connection: Connection) -> None:
    assert "No key yet: without one, or a workspace key, nothing can send" in text_of(get(as_viewer, connection))


def test_attempts_newest_first_the_refused_with_their_reason(as_viewer: Client, connection: Connection) -> None:
    make_attempt(connection, key_name="scheduler", job_name="shop.load", at=NOW - timedelta(minutes=9))
    make_attempt(
        connection, "rejected", 422, reason="eventTime: expected a time, got <12>", at=NOW - timedelta(minutes=2)
    )
    make_attempt(connection, "repeat", 200, at=NOW - timedelta(minutes=4))
    text = text_of(get(as_viewer, connection))
    refused = "Refused HTTP 422 2 min ago 2026-03-02 11:58:00 UTC eventTime: expected a time, got <12>"
    repeat = "Repeat HTTP 200 4 min ago 2026-03-02 11:56:00 UTC"
    stored = "Stored HTTP 201 9 min ago 2026-03-02 11:51:00 UTC Job shop.load Key scheduler"
    assert f"{refused} {repeat} {stored}" in text


def test_the_newest_twenty_attempts(as_viewer: Client, connection: Connection) -> None:
    for number in range(21):
        make_attempt(connection, job_name=f"job {number:02}", at=NOW - timedelta(minutes=number))
    shown = re.findall(r"job \d\d", text_of(get(as_viewer, connection)))
    assert shown == [f"job {number:02}" for number in range(20)]


def test_nothing_of_another_connection(as_viewer: Client, connection: Connection) -> None:
    other = make_connection("Other")
    make_key(other, "foreign key")
    make_attempt(other, job_name="foreign job")
    assert "foreign" not in text_of(get(as_viewer, connection))


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.slug)
def test_each_guide_has_this_connections_values(as_viewer: Client, connection: Connection, guide: Any) -> None:
    html = html_of(get(as_viewer, connection, f"?guide={guide.slug}"))
    guide_html = html[html.index('id="guide"') :]
    assert re.search(rf'\?guide={guide.slug}#guide"\s+aria-current="true">{re.escape(guide.title)}<', guide_html)
    assert guide_html.count('class="snippet"') == len(re.findall(r'<code id="snippet-', guide_html))
    assert f"gateway/openlineage/{connection.pk}" in guide_html
    assert "&lt;your API key&gt;" in guide_html


@pytest.mark.parametrize(
    ("connection_type", "title"), [("airflow", "Airflow"), ("dbt", "dbt Core"), ("openlineage", "openlineage.yml")]
)
def test_the_guide_of_the_connections_type_is_open(as_viewer: Client, connection_type: str, title: str) -> None:
    html = html_of(get(as_viewer, make_connection(type_=connection_type)))
    assert re.findall(r'#guide"\s+aria-current="true">([^<]*)<', html) == [title]


def test_viewers_see_no_actions_and_editors_do(as_viewer: Client, as_editor: Client, connection: Connection) -> None:
    make_key(connection)
    seen, offered = html_of(get(as_viewer, connection)), html_of(get(as_editor, connection))
    for action in ("Generate API key", "Delete API key scheduler", "Rename connection", "Remove connection"):
        assert action not in seen
        assert action in offered


def test_who_may_see_it(client: Client, as_viewer: Client, connection: Connection) -> None:
    assert get(client, connection)["Location"].startswith("/sign-in?next=")
    assert as_viewer.post(f"/connections/{connection.pk}/settings").status_code == 405
    connection.removed_at = NOW
    connection.save()
    assert get(as_viewer, connection).status_code == 404


def test_the_page_is_kept_by_nobody(as_viewer: Client, connection: Connection) -> None:
    for headers in ({}, {"HX-Request": "true", "HX-Target": "arrivals"}):
        assert "no-store" in get(as_viewer, connection, **headers)["Cache-Control"]


def test_the_number_of_queries_does_not_grow_with_the_rows(as_editor: Client, editor: User) -> None:
    counts = []
    for rows in (1, 30):
        connection = make_connection(f"{rows}")
        for number in range(rows):
            make_key(connection, f"key {number}", created_by=editor)
            make_attempt(connection)
        with CaptureQueriesContext(database) as queries:
            assert html_of(get(as_editor, connection)).count('<tr id="key-') == min(rows, KEYS_SHOWN)
        counts.append(len(queries))
    assert counts[0] == counts[1]
