"""A refused request on the connection's page: why, and what to do; and the test that finds out beforehand."""

import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections.actions import create_api_key
from connections.models import ApiKey, Attempt, Connection
from lineage.intake.answers import Code
from lineage.models import Activity, Event
from tests.web.rows import make_connection
from web.guides import cure_of, example_event

pytestmark = pytest.mark.django_db

EVENT = example_event("START", run_id="5b1f3c1e-6d6a-4b0e-9a52-0d9a4f6c2f11", event_time="2026-03-02T12:00:00Z")
BROKEN = json.dumps(json.loads(EVENT) | {"eventTime": 12})


@pytest.fixture
def connection() -> Connection:
    return make_connection()


@pytest.fixture
def key(connection: Connection) -> str:
    return make_key(connection)


def make_key(connection: Connection) -> str:
    return create_api_key(connection=connection, name="laptop", created_by=None, now=timezone.now()).text


def text_of(response: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def post(path: str, key: str, body: str = EVENT) -> Any:
    return Client().post(path, body, content_type="application/json", headers={"Authorization": f"Bearer {key}"})


def refusal_shown(client: Client, connection: Connection) -> str:
    return text_of(client.get(f"/connections/{connection.pk}/settings")).partition("Last attempts")[0]


def try_event(client: Client, connection: Connection, key: str, event: str = EVENT) -> str:
    response = client.post(f"/connections/{connection.pk}/test-event", {"key": key, "event": event})
    assert key not in response.content.decode()
    return text_of(response)


@pytest.mark.parametrize("code", Code)
def test_each_refusal_has_a_cure(code: Code) -> None:
    assert cure_of(code).endswith(".")
    assert cure_of("") == ""


@pytest.mark.parametrize("path", ["", "/", "/CONNECTION_ID", "/5b1f3c1e-6d6a-4b0e-9a52-0d9a4f6c2f11"])
def test_a_url_without_the_id_is_shown_where_the_key_belongs(
    as_viewer: Client, connection: Connection, key: str, path: str
) -> None:
    assert post(f"/gateway/openlineage{path}", key).status_code == 404
    shown = refusal_shown(as_viewer, connection)
    assert "Last request refused" in shown
    assert "HTTP 404 Copy the endpoint URL of this page whole into the sender." in shown


def test_a_stranger_learns_nothing_and_lists_nothing(connection: Connection) -> None:
    assert post("/gateway/openlineage", "obs_nonsense").status_code == 404
    assert not Attempt.objects.exists()


def test_the_key_of_another_connection_is_named_while_the_reader_sees_that(
    as_viewer: Client, connection: Connection, key: str
) -> None:
    other = make_connection("Other")
    assert post(f"/gateway/openlineage/{connection.pk}", make_key(other)).status_code == 403
    assert "It is a key of Other . Give the sender a key of this connection" in refusal_shown(as_viewer, connection)
    other.visibility = Connection.Visibility.MEMBERS
    other.save()
    assert "It is a key of" not in refusal_shown(as_viewer, connection)


def test_the_field_the_size_and_the_redirect(
    as_viewer: Client, connection: Connection, key: str, settings: Any
) -> None:
    path = f"/gateway/openlineage/{connection.pk}"
    post(path, key, BROKEN)
    assert "eventTime" in refusal_shown(as_viewer, connection)
    settings.INTAKE_MAX_BODY_BYTES = 10
    post(path, key)
    assert "INTAKE_MAX_BODY_BYTES" in refusal_shown(as_viewer, connection)
    Client().get(path)
    assert "turns POST into GET and loses the event" in refusal_shown(as_viewer, connection)


def test_a_test_stores_nothing_and_does_not_connect(as_editor: Client, connection: Connection, key: str) -> None:
    shown = try_event(as_editor, connection, key)
    assert "Accepted Key laptop may send, and the event is about job hello.curl. It was a test" in shown
    assert not Event.objects.exists()
    assert not Activity.objects.exists()
    assert ApiKey.objects.get().last_used_at is None
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.status, attempt.job_name) == ("test", 201, "hello.curl")
    settings_page = text_of(as_editor.get(f"/connections/{connection.pk}/settings"))
    assert "API key never used" in settings_page
    assert "Test HTTP 201" in settings_page


def test_a_test_finds_a_key_that_was_deleted_since(as_editor: Client, connection: Connection, key: str) -> None:
    assert "Accepted" in try_event(as_editor, connection, key)
    ApiKey.objects.all().delete()
    assert "Refused The API key was deleted. HTTP 401" in try_event(as_editor, connection, key)


@pytest.mark.parametrize(("whose", "event"), [("own", BROKEN), ("own", "{"), ("other", EVENT), ("nobody's", EVENT)])
def test_a_test_gives_the_intakes_verdict(
    as_editor: Client, connection: Connection, key: str, whose: str, event: str
) -> None:
    text = {"own": key, "other": make_key(make_connection("Other")), "nobody's": "obs_nonsense"}[whose]
    shown = try_event(as_editor, connection, text, event)
    post(f"/gateway/openlineage/{connection.pk}", text, event)
    sent, tested = Attempt.objects.order_by("outcome").values("status", "reason", "code", "key_connection_id")
    assert sent == tested
    assert f"Refused {sent['reason']} HTTP {sent['status']}" in shown
    assert cure_of(sent["code"]) in shown
