"""Writes of accounts: roles, the last administrator, and what ends with a deactivated person."""

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from audit.models import AuditEntry
from connections.access import Right, may
from connections.actions import create_connection
from connections.models import Connection
from connections.roles import EDITOR, EDITOR_PERMISSIONS
from people.accounts import (
    DuplicateEmail,
    DuplicateUsername,
    LastAdministrator,
    add_person,
    change_role,
    deactivate,
    reactivate,
)
from people.password_links import LinkTokens, make_password_link
from people.roles import Role, people, role_of
from people.tokens import create_api_token
from tests.connections.conftest import NOW

pytestmark = pytest.mark.django_db


def verbs() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("verb", flat=True))


def test_a_person_is_added_once(viewer: User) -> None:
    ada = add_person(username="ada", email="Ada@Example.com", role=Role.EDITOR, now=NOW)

    assert (role_of(ada), ada.has_usable_password(), ada.email) == (Role.EDITOR, False, "Ada@example.com")
    assert AuditEntry.objects.get().changes == {"role": [None, "editor"], "email": [None, "Ada@example.com"]}
    for username, email, refusal in (
        ("ADA", "", DuplicateUsername),
        ("grace", "VIEWER@example.com", DuplicateEmail),
        ("Viewer@example.com", "", DuplicateUsername),
        ("a b", "", ValidationError),
    ):
        with pytest.raises(refusal):
            add_person(username=username, email=email, role=Role.VIEWER, now=NOW)


def test_roles_are_what_pages_ask_for(viewer: User, administrator: User) -> None:
    viewer.groups.add(Group.objects.create(name="others"))
    for role, may_add, is_staff in (
        (Role.EDITOR, True, False),
        (Role.ADMINISTRATOR, True, True),
        (Role.VIEWER, False, False),
    ):
        change_role(user=viewer, role=role)
        fresh = User.objects.get(pk=viewer.pk)
        assert (fresh.has_perm("connections.add_connection"), fresh.is_staff) == (may_add, is_staff)
        listed: Any = people().get(pk=viewer.pk)
        assert listed.role == role_of(fresh) == role
    assert viewer.groups.get().name == "others"
    change_role(user=viewer, role=Role.VIEWER)
    assert verbs() == ["role_changed"] * 3


def test_the_group_of_editors_is_made_again(viewer: User) -> None:
    Group.objects.get(name=EDITOR).delete()
    change_role(user=viewer, role=Role.EDITOR)
    assert User.objects.get(pk=viewer.pk).has_perms([f"connections.{name}" for name in EDITOR_PERMISSIONS])


def test_the_operators_site_refuses_the_address_of_another(administrator: User, viewer: User, editor: User) -> None:
    client = Client()
    client.force_login(administrator)
    fields = {"username": "VIEWER@example.com", "email": "viewer@example.com", "is_active": "on"}
    times = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    page = client.post(f"/admin/auth/user/{editor.pk}/change/", {**fields, **times}).content.decode()
    assert page.count("Another person has this") == 2
    page = client.post("/admin/auth/user/add/", {"username": "viewer@example.com"}).content.decode()
    assert "Another person has this" in page


def test_the_last_active_administrator_stays(administrator: User, viewer: User) -> None:
    User.objects.create(username="former", is_superuser=True, is_active=False)
    with pytest.raises(LastAdministrator):
        deactivate(user=administrator)
    with pytest.raises(LastAdministrator):
        change_role(user=administrator, role=Role.EDITOR)
    with pytest.raises(CommandError, match="last active administrator"):
        call_command("disable_person", "administrator")
    assert verbs() == []
    change_role(user=viewer, role=Role.ADMINISTRATOR)
    deactivate(user=administrator)
    assert people().get(pk=administrator.pk).is_active is False


def test_the_operators_site_keeps_the_last_administrator_too(administrator: User) -> None:
    client = Client()
    client.force_login(administrator)
    here = f"/admin/auth/user/{administrator.pk}"
    fields = {"username": "administrator", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}

    page = client.post(f"{here}/change/", {**fields, "is_superuser": "on", "is_staff": "on"}).content.decode()
    assert "This is the last active administrator." in page
    assert client.post(f"{here}/delete/", {"post": "yes"}).status_code == 403
    selected = {"action": "delete_selected", "_selected_action": [administrator.pk], "post": "yes"}
    assert client.post("/admin/auth/user/", selected).status_code == 403
    assert User.objects.get().is_active
    assert verbs() == []


def test_a_deactivated_person_is_out_at_once(viewer: User, administrator: User) -> None:
    client = Client()
    client.post("/sign-in", {"login": "viewer", "password": "correct horse battery"})
    token = create_api_token(user=viewer, name="report", now=timezone.now()).text

    def read() -> int:
        return Client().get("/api/v1/connections", headers={"Authorization": f"Bearer {token}"}).status_code

    assert (client.get("/account").status_code, read()) == (200, 200)
    said = StringIO()
    call_command("disable_person", "viewer", stdout=said)
    call_command("disable_person", "viewer", stdout=said)

    assert (client.get("/account").status_code, read()) == (302, 401)
    last = AuditEntry.objects.latest("id")
    assert (last.verb, last.via, last.changes) == ("deactivated", "command", {"sessions": [1, 0], "API tokens": [1, 0]})
    reactivate(user=viewer)
    assert (client.get("/account").status_code, read()) == (302, 401)
    assert client.post("/sign-in", {"login": "viewer", "password": "correct horse battery"}).status_code == 302


def test_who_becomes_a_viewer_keeps_no_right_to_change_connections(editor: User) -> None:
    connection = create_connection(name="theirs", type="dbt", created_by=editor, now=NOW)
    assert may(editor, Right.REMOVE, connection)
    change_role(user=editor, role=Role.VIEWER)
    viewer = User.objects.get(pk=editor.pk)
    assert not any(may(viewer, right, connection) for right in Right)
    assert Connection.objects.visible(viewer).exists()


def test_a_link_ends_with_the_next_one_and_with_another_role(viewer: User) -> None:
    """A link that was made for a viewer must not set the password of an administrator."""

    def works(link: tuple[str, str]) -> bool:
        return LinkTokens().check_token(User.objects.get(pk=viewer.pk), link[1])

    now = timezone.now()
    first = make_password_link(user=viewer, now=now)
    assert works(first)
    second = make_password_link(user=viewer, now=now)
    assert (works(first), works(second)) == (False, True)
    change_role(user=viewer, role=Role.ADMINISTRATOR)
    assert not works(second)
