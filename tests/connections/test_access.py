"""Rights on connections: by level, by role, and what is recorded when they change."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import IntegrityError
from django.test import Client

from audit.models import AuditEntry
from connections import actions
from connections.access import Right, end_access, give_access, may, rights, set_visibility
from connections.models import Connection, ConnectionAccess
from tests.connections.conftest import NOW, MakeConnection

ROLE = {"connections.change_connection", "connections.delete_connection", "connections.add_apikey"}
EDITING = {"edit", "add_key", "delete_key"}


@pytest.mark.parametrize(
    ("visibility", "levels", "permissions", "expected"),
    [
        ("everyone", [], set(), set()),
        ("everyone", [], ROLE, {"edit", "remove", "add_key"}),
        ("everyone", ["view"], ROLE, {"edit", "remove", "add_key"}),
        ("members", ["view"], ROLE, set()),
        ("members", ["view", "edit"], set(), EDITING),
        ("everyone", ["admin"], set(), EDITING | {"remove", "change_privacy", "manage_access"}),
    ],
)
def test_rights_are_of_the_highest_level_or_of_the_role(
    visibility: str, levels: list[str], permissions: set[str], expected: set[str]
) -> None:
    found = rights(visibility=visibility, levels=levels, permissions=permissions)
    assert {right.value for right in Right if getattr(found, right.value)} == expected


@pytest.mark.django_db
def test_who_adds_a_connection_administers_it(editor: User, administrator: User) -> None:
    own = actions.create_connection(name="own", type="dbt", created_by=editor, now=NOW)
    actions.create_connection(name="other", type="dbt", created_by=administrator, now=NOW)
    access = ConnectionAccess.objects.get()
    assert (access.connection, access.user, access.level) == (own, editor, "admin")
    assert may(editor, Right.MANAGE_ACCESS, own)


@pytest.mark.django_db
def test_members_see_it_and_changes_are_recorded(make_connection: MakeConnection, viewer: User) -> None:
    connection = make_connection("Lake")
    group = Group.objects.create(name="sailors")
    set_visibility(connection=connection, visibility="members")
    set_visibility(connection=connection, visibility="members")

    def sees() -> bool:
        return Connection.objects.visible(User.objects.get(pk=viewer.pk)).exists()

    assert not sees()
    give_access(connection=connection, member=group, level="view")
    assert not sees()
    viewer.groups.add(group)
    assert sees()
    give_access(connection=connection, member=viewer, level="view")
    give_access(connection=connection, member=viewer, level="edit")
    for access in ConnectionAccess.objects.all():
        end_access(access=access)
        end_access(access=access)
    assert not sees()
    assert list(AuditEntry.objects.order_by("id").values_list("verb", "name", "changes"))[2:] == [
        ("changed", "Lake", {"visibility": ["everyone", "members"]}),
        ("added", "sailors in Lake", {"level": [None, "view"]}),
        ("added", "viewer in Lake", {"level": [None, "view"]}),
        ("changed", "viewer in Lake", {"level": ["view", "edit"]}),
        ("removed", "sailors in Lake", {"level": ["view", None]}),
        ("removed", "viewer in Lake", {"level": ["edit", None]}),
    ]
    with pytest.raises(IntegrityError):
        ConnectionAccess.objects.create(connection=connection, level="view")


@pytest.mark.django_db
def test_the_section_in_settings(make_connection: MakeConnection, viewer: User, editor: User) -> None:
    here = f"/connections/{make_connection('Lake').pk}"
    give_access(connection=Connection.objects.get(), member=viewer, level="admin")
    client, other = Client(), Client()
    client.force_login(viewer)
    other.force_login(editor)

    assert "Members of Lake" in client.get(f"{here}/settings").content.decode()
    assert "Members of Lake" not in other.get(f"{here}/settings").content.decode()
    refused = client.post(f"{here}/access/add", {"name": "nobody", "level": "view"})
    assert "There is no active person and no group with this name." in refused.content.decode()
    assert client.post(f"{here}/access/add", {"name": "Editor", "level": "view"}).status_code == 302
    client.post(f"{here}/access/visibility", {"visibility": "members"})
    assert other.get(here).status_code == 200
    group = ConnectionAccess.objects.get(group__isnull=False)
    client.post(f"{here}/access/{group.pk}/remove")
    assert other.get(here).status_code == 404
    own = ConnectionAccess.objects.get()
    assert client.post(f"{here}/access/{own.pk}/remove")["Location"] == "/connections"
    assert client.get(here).status_code == 404


@pytest.mark.django_db
def test_the_migration_lets_editors_administer_what_they_added(editor: User, viewer: User, administrator: User) -> None:
    group = Group.objects.get(name="Editor")
    left = User.objects.create(username="left", is_active=False)
    left.groups.add(group)
    both = User.objects.create(username="both")
    both.groups.add(group, Group.objects.create(name="sailors"))
    for creator in (editor, viewer, administrator, left, both, None):
        actions.create_connection(name=f"of {creator}", type="dbt", created_by=creator, now=NOW)
    gone = actions.create_connection(name="gone", type="dbt", created_by=editor, now=NOW)
    actions.end_connection(connection=gone, now=NOW)
    ConnectionAccess.objects.all().delete()
    # Later migrations cannot be taken back in the transaction of a test.
    import_module("connections.migrations.0007_access").make_creators_administrators(apps, None)
    found = ConnectionAccess.objects.values_list("connection__name", "user__username", "level")
    assert set(found) == {("of editor", "editor", "admin"), ("of both", "both", "admin")}
