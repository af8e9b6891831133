"""The audit: each action leaves an entry in its own transaction, nobody changes one, and none holds a secret."""

import json
import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import InternalError, ProgrammingError, transaction
from django.db import connection as database
from django.test import Client
from django.utils import timezone
from structlog.testing import capture_logs

from audit.models import AuditEntry
from audit.retention import delete_old_entries
from connections import actions
from connections.models import ApiKey, Connection
from connections.privacy import Audience, PrivacyClass
from connections.routes import add_route, remove_route
from connections.workspace_keys import create_workspace_key, delete_workspace_key, make_connection_of_event
from people.models import ApiToken
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "a staple for the horse"
TYPED_AS_NAME = "my own secret typed too early"


def entries() -> list[tuple[str, str, str, str, str]]:
    """Each entry once, in order: who, by which way, what, of which kind, its name."""
    return list(AuditEntry.objects.order_by("id").values_list("actor", "via", "verb", "object", "name"))


def changes(verb: str, kind: str) -> Any:
    return AuditEntry.objects.filter(verb=verb, object=kind).latest("id").changes


def shown_secret(response: Any) -> str:
    (text,) = re.findall(r'id="new-key">([^<]*)<', response.content.decode())
    return str(text)


def try_everything(client: Client) -> set[str]:
    """Do all that is recorded of an editor, and return the secrets that were sent or shown."""
    sign_in = {"login": "editor", "password": PASSWORD}
    client.post("/sign-in", {"login": TYPED_AS_NAME, "password": "guess one"})
    client.post("/sign-in", {**sign_in, "password": "guess two"})
    client.post("/sign-in", sign_in)
    client.post("/connections/add", {"name": "Warehouse", "type": "dbt"})
    here = f"/connections/{Connection.objects.get().pk}"
    client.post(f"{here}/rename", {"name": "Lake"})
    key = shown_secret(client.post(f"{here}/keys/generate", {"name": "worker"}))
    client.post(f"{here}/keys/{ApiKey.objects.get().pk}/delete")
    client.post(f"{here}/remove", {"name": "Lake"})
    token = shown_secret(client.post("/account/tokens/create", {"name": "report", "days": "30"}))
    token_hash = ApiToken.objects.get().secret_hash
    client.post(f"/account/tokens/{ApiToken.objects.get().pk}/delete")
    new = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    client.post("/account/password", {"current": PASSWORD, **new})
    client.post("/sign-out")
    secrets = {TYPED_AS_NAME, "guess one", "guess two", PASSWORD, NEW_PASSWORD, token_hash, "argon2"}
    return secrets | {key.split("_")[2], token.split("_")[2]}


def test_what_people_do_on_pages_is_recorded_without_a_secret(
    editor: User, django_capture_on_commit_callbacks: Any
) -> None:
    client = Client(REMOTE_ADDR="203.0.113.9")
    with capture_logs() as lines, django_capture_on_commit_callbacks(execute=True):
        secrets = try_everything(client)

    assert entries() == [
        ("", "page", "sign_in_refused", "user", ""),
        ("", "page", "sign_in_refused", "user", "editor"),
        ("editor", "page", "signed_in", "user", "editor"),
        ("editor", "page", "added", "connection", "Warehouse"),
        ("editor", "page", "added", "connection access", "editor in Warehouse"),
        ("editor", "page", "added", "route", "Warehouse"),
        ("editor", "page", "renamed", "connection", "Lake"),
        ("editor", "page", "added", "route", "Lake"),
        ("editor", "page", "added", "API key", "worker"),
        ("editor", "page", "removed", "API key", "worker"),
        ("editor", "page", "removed", "route", "Warehouse"),
        ("editor", "page", "removed", "route", "Lake"),
        ("editor", "page", "removed", "connection", "Lake"),
        ("editor", "page", "added", "API token", "report of editor"),
        ("editor", "page", "removed", "API token", "report of editor"),
        ("editor", "page", "password_changed", "user", "editor"),
        ("editor", "page", "signed_out", "user", "editor"),
    ]
    assert {entry.address for entry in AuditEntry.objects.all()} == {"203.0.113.9"}
    assert changes("renamed", "connection") == {"name": ["Warehouse", "Lake"]}
    assert changes("removed", "API key") == {"connection": ["Lake", None]}
    written = [line for line in lines if line["event"] == "audit_entry"]
    assert [line["verb"] for line in written] == [verb for _, _, verb, _, _ in entries()]
    everything = json.dumps([list(AuditEntry.objects.values()), lines], default=str)
    assert [secret for secret in secrets if secret in everything] == []


def test_what_operators_save_is_recorded_without_a_secret(administrator: User, viewer: User) -> None:
    client = Client()
    client.force_login(administrator)
    new = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
    client.post("/admin/auth/user/add/", {"username": "ada", **new})
    ada = User.objects.get(username="ada")
    group = Group.objects.get(name="Editor")
    names = {"username": "ada", "first_name": "Ada", "is_active": "on", "groups": [group.pk]}
    dates = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    client.post(f"/admin/auth/user/{ada.pk}/change/", {**names, **dates})
    client.post(f"/admin/auth/user/{ada.pk}/password/", {**new, "set-password": "1"})
    selected = {"action": "delete_selected", "_selected_action": [ada.pk], "post": "yes"}
    client.post("/admin/auth/user/", selected)
    client.post("/admin/auth/group/add/", {"name": "others"})
    client.post(f"/admin/auth/group/{Group.objects.get(name='others').pk}/delete/", {"post": "yes"})
    connection = actions.create_connection(name="Lake", type="dbt", created_by=None, now=timezone.now())
    client.post(f"/admin/connections/connection/{connection.pk}/delete/", {"post": "yes"})
    client.post("/admin/logout/")

    assert [entry[2:] for entry in entries() if entry[:2] == ("administrator", "admin")] == [
        ("added", "user", "ada"),
        ("changed", "user", "ada"),
        ("password_changed", "user", "ada"),
        ("removed", "user", "ada"),
        ("added", "group", "others"),
        ("removed", "group", "others"),
        ("removed", "route", "Lake"),
        ("removed", "connection", "Lake"),
        ("signed_out", "user", "administrator"),
    ]
    assert changes("added", "user") == {"username": [None, "ada"]}
    changed = changes("changed", "user")
    assert changed["first_name"] == ["", "Ada"]
    assert changed["groups"] == [[], ["Editor"]]
    everything = json.dumps(list(AuditEntry.objects.values()), default=str)
    assert NEW_PASSWORD not in everything
    assert "argon2" not in everything


def test_what_commands_do_is_recorded(viewer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    said = StringIO()
    call_command("create_connection", "Lake", "--type", "dbt", stdout=said)
    call_command("create_api_key", str(Connection.objects.get().pk), "worker", stdout=said)
    call_command("create_api_token", "viewer", "--name", "report", stdout=said)
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", "--username", "root", "--email", "root@example.com", stdout=said)
    monkeypatch.setattr("getpass.getpass", lambda **_: NEW_PASSWORD)
    call_command("changepassword", "viewer", stdout=said)

    assert [entry[1:] for entry in entries()] == [
        ("command", "added", "connection", "Lake"),
        ("command", "added", "route", "Lake"),
        ("command", "added", "API key", "worker"),
        ("command", "added", "API token", "report of viewer"),
        ("command", "added", "user", "root"),
        ("command", "password_changed", "user", "viewer"),
    ]
    assert all(actor for actor, *_ in entries())


def test_a_choice_of_privacy_is_recorded_with_what_it_changes() -> None:
    connection = actions.create_connection(name="Lake", type="dbt", created_by=None, now=timezone.now())
    audiences = connection.audiences | {PrivacyClass.SQL: Audience.EVERYONE}
    actions.set_privacy(connection=connection, audiences=audiences)
    actions.set_privacy(connection=connection, audiences=audiences)
    assert changes("changed", "connection") == {"SQL": ["editors", "everyone"]}
    assert [verb for _, _, verb, _, _ in entries()] == ["added", "added", "changed"]


def test_keys_of_the_workspace_and_routes_are_recorded_and_what_an_event_makes() -> None:
    now = timezone.now()
    make_connection_of_event(namespace="Lake", integration="DBT", now=now)
    lake = Connection.objects.get()
    key = create_workspace_key(name="all", created_by=None, now=now)
    delete_workspace_key(workspace_key=key.workspace_key)
    remove_route(connection=lake, route_id=add_route(connection=lake, namespace="sea", now=now).pk)
    assert [entry[1:] for entry in entries()] == [
        ("event", "added", "connection", "Lake"),
        ("event", "added", "route", "Lake"),
        ("command", "added", "workspace key", "all"),
        ("command", "removed", "workspace key", "all"),
        ("command", "added", "route", "sea"),
        ("command", "removed", "route", "sea"),
    ]
    assert key.text.split("_")[2] not in json.dumps(list(AuditEntry.objects.values()), default=str)


def test_what_did_not_happen_is_not_recorded() -> None:
    now = timezone.now()
    connection = actions.create_connection(name="Lake", type="dbt", created_by=None, now=now)
    with pytest.raises(actions.DuplicateName):
        actions.create_connection(name="Lake", type="dbt", created_by=None, now=now)
    actions.rename_connection(connection=connection, name="Lake", now=now)
    with transaction.atomic():
        actions.rename_connection(connection=connection, name="Pond", now=now)
        transaction.set_rollback(True)
    assert [entry[2:] for entry in entries()] == [("added", "connection", "Lake"), ("added", "route", "Lake")]


def test_an_entry_is_neither_changed_nor_deleted_before_its_time(settings: Any) -> None:
    now = timezone.now()
    for days in (0, 399, 500, 900):
        fields = {"via": "page", "verb": "added", "object": "group", "name": str(days)}
        AuditEntry.objects.create(at=now - timedelta(days=days), **fields)
    refused = pytest.raises((InternalError, ProgrammingError), match="neither changed nor deleted")
    with refused, transaction.atomic():
        AuditEntry.objects.update(actor="nobody")
    with refused, transaction.atomic():
        AuditEntry.objects.filter(name="900").delete()
    # The way of retention is open to old entries alone, whatever it is asked for.
    with refused, transaction.atomic(), database.cursor() as cursor:
        cursor.execute("SET LOCAL observatory.audit_retention = 'on'")
        AuditEntry.objects.filter(name="399").delete()

    def kept() -> set[str]:
        return set(AuditEntry.objects.values_list("name", flat=True))

    for days, expected in ((0, {"0", "399", "500", "900"}), (600, {"0", "399", "500"}), (400, {"0", "399"})):
        settings.AUDIT_RETENTION_DAYS = days
        delete_old_entries(now)
        assert kept() == expected
