"""A page that is loaded again is answered with 304 until its data changes, and with what it needs otherwise."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from connections.models import Connection
from tests.house.routes import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def connection() -> Connection:
    return Connection.objects.create(name="Production", type="airflow", created_at=NOW)


@pytest.fixture
def reader(as_editor: Client) -> Client:
    """A browser that has been here before: it has the cookies of forms and of scripts."""
    as_editor.get("/connections")
    as_editor.cookies["browser-time-zone"] = "UTC"
    return as_editor


def etag_of(client: Client, path: str = "/connections") -> str:
    return str(client.get(path)["ETag"])


def status(client: Client, etag: str, path: str = "/connections") -> int:
    return int(client.get(path, headers={"If-None-Match": etag}).status_code)


@pytest.mark.parametrize("path", ["/", "/connections", "/jobs", "/runs", "/datasets", "/connections/{}", "/search?q=x"])
def test_a_page_is_not_sent_again_while_time_alone_passes(reader: Client, connection: Connection, path: str) -> None:
    path = path.format(connection.pk)
    # The timeline of the page Now moves on at half past.
    with time_machine.travel(NOW, tick=False):
        etag = etag_of(reader, path)
    with time_machine.travel(NOW + timedelta(minutes=2), tick=False):
        assert status(reader, etag, path) == 304
    connection.name = "Another"
    connection.save()
    assert status(reader, etag, "/connections") == 200


def test_a_region_has_the_etag_that_its_page_says(reader: Client, connection: Connection) -> None:
    for path, region in (("/connections", "connection-list"), (f"/connections/{connection.pk}/settings", "arrivals")):
        page = reader.get(path).content.decode()
        found = re.search(rf'data-of="{region}" data-etag="([^"]+)"', page.replace("&quot;", "'"))
        assert found
        fragment = reader.get(path, headers={"HX-Request": "true", "HX-Target": region})
        assert fragment["ETag"].strip('"') == found[1].strip("'")


def test_without_scripts_words_of_time_count(as_viewer: Client) -> None:
    as_viewer.get("/connections")
    etag = etag_of(as_viewer)
    with time_machine.travel(timedelta(minutes=2)):
        assert status(as_viewer, etag) == 200


def test_a_page_never_comes_back_with_the_token_of_another_session(reader: Client) -> None:
    etag = etag_of(reader)
    reader.cookies["csrf"] = "x" * 32
    assert status(reader, etag) == 200
    del reader.cookies["csrf"]
    first = reader.get("/connections", headers={"If-None-Match": etag})
    assert (first.status_code, "ETag" in first) == (200, False)


def test_a_message_is_shown_once(reader: Client, connection: Connection) -> None:
    etag = etag_of(reader)
    reader.post(f"/connections/{connection.pk}/rename", {"name": "Renamed"})
    reader.post(f"/connections/{connection.pk}/rename", {"name": "Production"})
    with_messages = reader.get("/connections", headers={"If-None-Match": etag})
    assert (with_messages.status_code, b"Renamed to Production." in with_messages.content) == (200, True)
    again = reader.get("/connections", headers={"If-None-Match": with_messages["ETag"]})
    assert (again.status_code, b"Renamed to" in again.content) == (200, False)
    assert again["ETag"] == etag
