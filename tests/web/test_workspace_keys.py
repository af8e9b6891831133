"""Workspace keys on their page, the namespaces that no connection takes, and those of a connection in its Settings."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from connections import actions
from connections.models import Connection, Route, UnmatchedNamespace, WorkspaceKey
from connections.routes import add_route
from connections.routing import Unrouted
from connections.workspace_keys import Unmatched, create_workspace_key, note_unmatched

pytestmark = pytest.mark.django_db

FIELDS = {"name": "clusters", "scope": "all", "unmatched": "refuse", "days": "0"}


@pytest.fixture
def as_administrator(client: Client, administrator: User) -> Client:
    client.force_login(administrator)
    return client


@pytest.fixture
def connection() -> Connection:
    return actions.create_connection(name="prod", type="dbt", created_by=None, now=timezone.now())


def html(client: Client, path: str) -> str:
    return str(client.get(path).content.decode())


def test_a_key_is_shown_once_and_deleted(as_administrator: Client, administrator: User) -> None:
    assert "No workspace key yet" in html(as_administrator, "/workspace-keys")
    answer = as_administrator.post("/workspace-keys/add", FIELDS | {"unmatched": "create", "days": "90"})
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    [text] = re.findall(r"obw_\w{56}", answer.content.decode())
    key = WorkspaceKey.objects.get()
    assert (key.created_by, key.unmatched) == (administrator, "create")
    assert key.expires_at is not None
    assert (key.expires_at - key.created_at).days == 90
    page = html(as_administrator, "/workspace-keys")
    assert text not in page
    assert f"obw_…{text[-4:]}" in page
    assert "/api/v1/lineage" in page
    # A reload sends the form again.
    assert as_administrator.post("/workspace-keys/add", FIELDS).status_code == 422
    assert as_administrator.post(f"/workspace-keys/{key.pk}/delete").status_code == 302
    assert not WorkspaceKey.objects.exists()
    assert "Workspace key clusters was deleted." in html(as_administrator, "/workspace-keys")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"scope": "chosen"}, "Choose at least one connection."),
        ({"scope": "chosen", "chosen": "{prod}", "unmatched": "create"}, "Only a key of all connections"),
        ({"scope": "chosen", "chosen": "{prod}", "default_connection": "{other}"}, "not among the chosen"),
        ({"default_connection": "nonsense"}, "Select a valid choice"),
        ({"days": "7"}, "Select a valid choice"),
    ],
)
def test_what_a_key_cannot_be(
    as_administrator: Client, connection: Connection, fields: dict[str, str], said: str
) -> None:
    other = actions.create_connection(name="other", type="dbt", created_by=None, now=timezone.now())
    ids = {"prod": connection.pk, "other": other.pk}
    answer = as_administrator.post("/workspace-keys/add", FIELDS | {k: v.format(**ids) for k, v in fields.items()})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not WorkspaceKey.objects.exists()


def test_a_key_of_chosen_connections(as_administrator: Client, connection: Connection) -> None:
    id_ = str(connection.pk)
    as_administrator.post("/workspace-keys/add", FIELDS | {"scope": "chosen", "chosen": id_, "default_connection": id_})
    key = WorkspaceKey.objects.get()
    assert (list(key.connections.all()), key.default_connection) == ([connection], connection)
    assert "Without a job: prod" in html(as_administrator, "/workspace-keys")


def test_a_refused_namespace_leads_to_its_connection(as_administrator: Client) -> None:
    now = timezone.now()
    key = create_workspace_key(name="all", created_by=None, now=now).workspace_key
    refused = Unmatched("a&b", Unrouted.NO_ROUTE, "load", "DBT")
    note_unmatched(key_id=key.pk, unmatched=[refused], now=now)
    page = html(as_administrator, "/workspace-keys")
    assert "No connection takes this namespace." in page
    [address] = set(re.findall(r'href="(/connections/add\?[^"]+)"', page))
    form = html(as_administrator, address.replace("&amp;", "&"))
    assert 'value="a&amp;b"' in form
    assert re.search(r'value="dbt" required checked', form)
    # The name may be another one: the namespace goes along.
    fields: dict[str, Any] = {"name": "Warehouse", "type": "dbt", "namespace": "a&b"}
    assert as_administrator.post("/connections/add", fields).status_code == 302
    assert dict(Route.objects.values_list("namespace", "connection__name")) == {
        "Warehouse": "Warehouse",
        "a&b": "Warehouse",
    }
    assert not UnmatchedNamespace.objects.exists()


def test_namespaces_in_the_settings(as_editor: Client, connection: Connection) -> None:
    other = actions.create_connection(name="other", type="dbt", created_by=None, now=timezone.now())
    add_route(connection=other, namespace="taken", now=timezone.now())
    settings = f"/connections/{connection.pk}/settings"
    add = f"/connections/{connection.pk}/routes/add"
    refusal = as_editor.post(add, {"namespace": "taken"})
    assert (refusal.status_code, "other takes" in refusal.content.decode()) == (422, True)
    assert as_editor.post(add, {"namespace": "eu <west>"})["Location"] == settings
    assert "eu &lt;west&gt;" in html(as_editor, settings)
    route = Route.objects.get(namespace="eu <west>")
    assert as_editor.get(f"/connections/{other.pk}/routes/{route.pk}/remove").status_code == 404
    remove = f"/connections/{connection.pk}/routes/{route.pk}/remove"
    assert "eu &lt;west&gt;" in html(as_editor, remove)
    assert as_editor.post(remove)["Location"] == settings
    assert set(Route.objects.filter(connection=connection).values_list("namespace", flat=True)) == {"prod"}


def test_a_viewer_sees_namespaces_and_changes_none(as_viewer: Client, connection: Connection) -> None:
    page = html(as_viewer, f"/connections/{connection.pk}/settings")
    assert "/api/v1/lineage" in page
    assert "Add namespace" not in page
    assert "Remove namespace" not in page
