"""Confirmation before what is dangerous, of who signed in more than half an hour ago."""

from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from audit.models import AuditEntry
from connections.models import Connection, ConnectionAccess, WorkspaceKey
from people.models import ApiToken
from tests.conftest import PASSWORD
from tests.totp import code_of
from tests.web.test_second_step import add_app

pytestmark = pytest.mark.django_db

DIALOG = {"HX-Request": "true", "HX-Target": "dialog-content"}
NEW_TOKEN = "/account/tokens/create"
ASKED = "Confirm that it is you"


@pytest.fixture
def later() -> Iterator[None]:
    """Half an hour after everybody signed in."""
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        yield


def test_a_dialog_goes_on_once_it_is_confirmed(as_viewer: Client, later: None) -> None:
    page = as_viewer.get(NEW_TOKEN, headers=DIALOG).content.decode()
    assert ASKED in page
    assert "<html" not in page
    assert 'name="confirm-waiting" value="GET"' in page
    wrong = as_viewer.post(NEW_TOKEN, {"confirm-waiting": "GET", "confirm-password": "guess"}, headers=DIALOG)
    assert wrong.status_code == 422
    assert AuditEntry.objects.get().verb == "sign_in_refused"

    right = as_viewer.post(NEW_TOKEN, {"confirm-waiting": "GET", "confirm-password": PASSWORD}, headers=DIALOG)
    assert (right.status_code, right["Location"]) == (302, NEW_TOKEN)
    assert "Token name" in as_viewer.get(NEW_TOKEN, headers=DIALOG).content.decode()
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        assert ASKED in as_viewer.get(NEW_TOKEN).content.decode()


def test_nothing_that_was_typed_is_lost(as_viewer: Client, later: None) -> None:
    asked = as_viewer.post(NEW_TOKEN, {"name": 'a "report"', "days": "30"})
    assert asked.status_code == 422
    page = asked.content.decode()
    assert 'name="name" value="a &quot;report&quot;"' in page
    assert "no-store" in asked["Cache-Control"]
    sent = {"name": 'a "report"', "days": "30", "confirm-waiting": "POST"}
    assert "Nothing was given" in as_viewer.post(NEW_TOKEN, sent).content.decode()
    assert not ApiToken.objects.exists()

    made = as_viewer.post(NEW_TOKEN, {**sent, "confirm-password": PASSWORD})
    assert made.status_code == 200
    assert ApiToken.objects.get().name == 'a "report"'


def test_a_code_confirms_too_and_an_open_session_alone_does_not(as_viewer: Client, later: None) -> None:
    with time_machine.travel(timezone.now() - timedelta(minutes=20)):
        secret, _ = add_app(as_viewer)
    factor = Authenticator.objects.get(type="totp").pk
    remove = f"/account/factors/{factor}/remove"
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        page = as_viewer.get(remove).content.decode()
        assert "Of your authenticator app, or a recovery code." in page
        assert "Or a code" not in page
        assert "Or a code" in as_viewer.get(NEW_TOKEN).content.decode()
        assert as_viewer.post(remove).status_code == 422
        assert as_viewer.post(remove, {"confirm-waiting": "POST", "confirm-code": "000000"}).status_code == 422
        assert Authenticator.objects.filter(pk=factor).exists()
        assert as_viewer.post(remove, {"confirm-waiting": "POST", "confirm-code": code_of(secret)}).status_code == 302
    assert not Authenticator.objects.exists()


def test_what_asks(as_administrator: Client, administrator: User, viewer: User, later: None) -> None:
    connection = Connection.objects.create(name="Lake", type="dbt", created_at=timezone.now())
    here = f"/connections/{connection.pk}"
    access = ConnectionAccess.objects.create(connection=connection, user=viewer, level="view")
    key = WorkspaceKey.objects.create(name="all", lookup="w", created_at=timezone.now())
    factor = Authenticator.objects.create(user=administrator, type="totp", data={"secret": ""})
    paths = [f"/people/{viewer.pk}/{verb}" for verb in ("role", "link", "factors/remove", "deactivate", "reactivate")]
    paths += [f"{here}/{verb}" for verb in ("remove", "privacy", "access/visibility", "access/add")]
    paths += [f"{here}/access/{access.pk}/remove", f"/workspace-keys/{key.pk}/delete"]
    paths += ["/people/add", "/workspace-keys/add", "/account/factors/app", "/account/factors/key", NEW_TOKEN]
    paths += ["/account/recovery-codes", "/account/recovery-codes/make", f"/account/factors/{factor.pk}/remove"]
    for path in paths:
        assert ASKED in as_administrator.get(path).content.decode(), path
        assert ASKED in as_administrator.post(path).content.decode(), path
    user = f"/admin/auth/user/{viewer.pk}/change/"
    assert ASKED not in as_administrator.get(user).content.decode()
    sent = {"username": "viewer", "is_superuser": "on", "password1": "a secret to be kept"}
    asked = unescape(as_administrator.post(user, sent).content.decode())
    assert ASKED in asked
    assert 'name="username" value="viewer"' in asked
    assert "a secret to be kept" not in asked
    assert not User.objects.get(pk=viewer.pk).is_superuser
    selected = {"action": "delete_selected", "_selected_action": [viewer.pk], "post": "yes"}
    assert ASKED in as_administrator.post("/admin/auth/user/", selected).content.decode()
    assert User.objects.filter(pk=viewer.pk).exists()
    for path in (f"{here}/rename", f"{here}/keys/generate", "/account/password", "/connections/add"):
        assert ASKED not in as_administrator.get(path).content.decode(), path


def test_who_has_no_password_and_no_factor_signs_in_again(as_viewer: Client, viewer: User, later: None) -> None:
    viewer.set_unusable_password()
    viewer.save()
    as_viewer.force_login(viewer)
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        assert "Sign out and in again" in as_viewer.get(NEW_TOKEN).content.decode()
        assert as_viewer.post(NEW_TOKEN, {"confirm-waiting": "POST", "confirm-password": ""}).status_code == 422
