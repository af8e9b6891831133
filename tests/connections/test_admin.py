"""Connections, keys and attempts in the operators' site."""

from collections.abc import Sequence

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from connections import actions
from connections.models import ApiKey, Attempt, Connection
from tests.connections.conftest import NOW, MakeConnection, MakeKey

pytestmark = pytest.mark.django_db

LISTS = [reverse(f"admin:connections_{model}_changelist") for model in ("connection", "apikey", "attempt")]


@pytest.fixture
def client(client: Client, administrator: User) -> Client:
    client.force_login(administrator)
    return client


def change_url(row: Model) -> str:
    return reverse(f"admin:connections_{row._meta.model_name}_change", args=[row.pk])


def delete_url(row: Model) -> str:
    return reverse(f"admin:connections_{row._meta.model_name}_delete", args=[row.pk])


@pytest.fixture
def connection(make_connection: MakeConnection) -> Connection:
    return make_connection("Warehouse")


@pytest.fixture
def key(connection: Connection, make_key: MakeKey) -> actions.NewApiKey:
    return make_key(connection, "scheduler")


def test_what_is_secret_of_a_key_is_on_no_page(client: Client, connection: Connection, key: actions.NewApiKey) -> None:
    for url in (
        *LISTS,
        change_url(key.api_key),
        change_url(connection),
        delete_url(key.api_key),
        delete_url(connection),
    ):
        html = client.get(url).content.decode()
        assert key.api_key.lookup not in html
        assert "argon2" not in html
        assert key.text.split("_")[2] not in html
    assert f"…{key.text[-4:]}" in client.get(LISTS[1]).content.decode()


def test_a_connection_that_is_deleted_here_is_removed_as_anywhere(
    client: Client, connection: Connection, key: actions.NewApiKey
) -> None:
    actions.record_attempt(connection_id=connection.id, at=NOW, outcome="stored", status=201)
    page = client.get(delete_url(connection)).content.decode()
    assert "Warehouse" in page
    assert "API keys: 1" in page
    client.post(delete_url(connection), {"post": "yes"})
    connection.refresh_from_db()
    assert connection.removed_at is not None
    assert not ApiKey.objects.exists()


def test_several_are_deleted_by_the_action(client: Client, make_connection: MakeConnection, make_key: MakeKey) -> None:
    connections = [make_connection(name) for name in ("a", "b", "c")]
    keys = [make_key(connection) for connection in connections]

    def delete(url: str, rows: Sequence[Model]) -> None:
        client.post(
            url,
            {"action": "delete_selected", "_selected_action": [str(row.pk) for row in rows], "post": "yes"},
        )

    delete(LISTS[0], connections[:2])
    assert [connection.name for connection in Connection.objects.live()] == ["c"]
    delete(LISTS[1], [keys[2].api_key])
    assert not ApiKey.objects.exists()


def test_a_key_that_is_deleted_here_is_gone(client: Client, key: actions.NewApiKey) -> None:
    client.post(delete_url(key.api_key), {"post": "yes"})
    assert not ApiKey.objects.exists()


def test_nothing_else_is_changed_here(client: Client, connection: Connection, key: actions.NewApiKey) -> None:
    actions.record_attempt(connection_id=connection.id, at=NOW, outcome="rejected", status=422, reason="why")
    attempt = Attempt.objects.get()
    for row in (connection, key.api_key, attempt):
        assert client.get(change_url(row)).status_code == 200
        assert client.post(change_url(row), {"name": "changed"}).status_code == 403
    for url in LISTS:
        assert client.get(f"{url}add/").status_code == 403
    assert client.post(delete_url(attempt), {"post": "yes"}).status_code == 403


def test_rows_are_found_and_filtered(
    client: Client, connection: Connection, key: actions.NewApiKey, make_connection: MakeConnection
) -> None:
    actions.end_connection(connection=make_connection("Gone"), now=NOW)
    shown = client.get(LISTS[0], {"removed": "no"}).content.decode()
    assert "Warehouse" in shown
    assert "Gone" not in shown
    shown = client.get(LISTS[0], {"removed": "yes"}).content.decode()
    assert "Gone" in shown
    assert "1 connection" in client.get(LISTS[0], {"q": "ware"}).content.decode()
    assert "1 API key" in client.get(LISTS[1], {"q": key.text[-4:]}).content.decode()
    assert "0 API keys" in client.get(LISTS[1], {"q": "nothing"}).content.decode()


def test_a_list_takes_as_many_queries_for_one_row_as_for_thirty(
    client: Client, connection: Connection, make_connection: MakeConnection, make_key: MakeKey
) -> None:
    def queries() -> list[int]:
        counts = []
        for url in LISTS:
            with CaptureQueriesContext(database) as captured:
                assert client.get(url).status_code == 200
            counts.append(len(captured))
        return counts

    actions.record_attempt(connection_id=connection.id, at=NOW, outcome="stored", status=201)
    make_key(connection)
    before = queries()
    for number in range(29):
        actions.record_attempt(
            connection_id=make_key(make_connection(f"c{number}")).api_key.connection_id,
            at=NOW,
            outcome="stored",
            status=201,
        )
    assert queries() == before
