"""Generating and deleting API keys: a key is in one answer only, and only for those who may."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.actions import create_api_key
from connections.keys import parse_key
from connections.models import ApiKey, Connection, WorkspaceKey
from connections.verification import VerifiedKey, verify_key
from connections.vouchers import lock_live
from connections.workspace_keys import create_workspace_key
from tests.web.rows import make_connection
from web.connections.key_list import KEYS_SHOWN

pytestmark = pytest.mark.django_db

DIALOG = {"HX-Request": "true", "HX-Target": "dialog-content"}


@pytest.fixture
def connection() -> Connection:
    return make_connection()


@pytest.fixture
def url(connection: Connection) -> str:
    return reverse("api_key_generate", args=[connection.pk])


@pytest.fixture
def api_key(connection: Connection) -> Any:
    return create_api_key(connection=connection, name="scheduler", created_by=None, now=timezone.now())


def key_in(response: Any) -> str:
    (key,) = re.findall(r'id="new-key">([^<]*)<', response.content.decode())
    return unescape(key)


@pytest.mark.parametrize("headers", [{}, DIALOG], ids=["page", "dialog"])
def test_a_new_key_is_shown_in_the_answer_and_works(
    as_editor: Client, editor: Any, connection: Connection, url: str, headers: dict[str, str]
) -> None:
    response = as_editor.post(url, {"name": "  scheduler "}, headers=headers)
    assert response.status_code == 200
    key = key_in(response)
    parse_key(key)
    verified = verify_key(key)
    assert isinstance(verified, VerifiedKey)
    assert (verified.connection_id, verified.name) == (connection.pk, "scheduler")
    assert ApiKey.objects.get().created_by == editor
    assert "It is not shown again." in response.content.decode()
    assert ("<html" in response.content.decode()) == (not headers)


def test_the_key_is_in_that_answer_and_nowhere_else(as_editor: Client, connection: Connection, url: str) -> None:
    response = as_editor.post(url, {"name": "scheduler"}, headers=DIALOG)
    key = key_in(response)
    assert "no-store" in response["Cache-Control"]
    secret = parse_key(key).secret
    assert not any(secret in value for value in response.headers.values())
    assert not list(get_messages(response.wsgi_request))
    assert not any(secret in str(session.get_decoded()) for session in Session.objects.all())
    assert not any(secret in str(value) for value in ApiKey.objects.values_list().get())
    for path in (f"/connections/{connection.pk}/settings", f"/connections/{connection.pk}", url, "/connections"):
        assert secret not in as_editor.get(path).content.decode()


def test_the_texts_to_copy_have_the_key_in_that_answer(as_editor: Client, url: str, connection: Connection) -> None:
    response = as_editor.post(f"{url}?guide=curl", {"name": "scheduler"}, headers=DIALOG)
    html = unescape(response.content.decode())
    assert f"Authorization: Bearer {key_in(response)}" in html
    assert f"/gateway/openlineage/{connection.pk}" in html


def test_only_the_button_closes_the_dialog(as_editor: Client, connection: Connection, url: str) -> None:
    html = as_editor.post(url, {"name": "scheduler"}, headers=DIALOG).content.decode()
    assert f'data-keep-open data-after-close="/connections/{connection.pk}/settings"' in html
    assert html.count("data-close-dialog") == 1


@pytest.mark.parametrize("headers", [{}, DIALOG], ids=["page", "dialog"])
def test_sending_the_form_again_makes_no_second_key(as_editor: Client, url: str, headers: dict[str, str]) -> None:
    as_editor.post(url, {"name": "scheduler"}, headers=headers)
    again = as_editor.post(url, {"name": "Scheduler"}, headers=headers)
    assert again.status_code == 422
    assert "This connection has an API key with this name already." in again.content.decode()
    assert 'value="Scheduler"' in again.content.decode()
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\u202eb", "line\nbreak"])
def test_a_name_that_is_not_allowed_is_an_error_at_the_field(as_editor: Client, url: str, name: str) -> None:
    response = as_editor.post(url, {"name": name}, headers=DIALOG)
    assert response.status_code == 422
    assert 'aria-invalid="true" aria-describedby="id_name_error"' in response.content.decode()
    assert not ApiKey.objects.exists()


def test_deleting_says_when_the_key_was_last_used(as_editor: Client, connection: Connection, api_key: Any) -> None:
    url = reverse("api_key_delete", args=[connection.pk, api_key.api_key.pk])
    assert "was never used" in as_editor.get(url, headers=DIALOG).content.decode()
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(hours=3, minutes=1))
    html = as_editor.get(url).content.decode()
    assert "3 h ago" in html
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("headers", [{}, DIALOG], ids=["page", "dialog"])
def test_a_deleted_key_is_refused(
    as_editor: Client, connection: Connection, api_key: Any, headers: dict[str, str]
) -> None:
    voucher = api_key.api_key.voucher
    assert lock_live([voucher])
    response = as_editor.post(reverse("api_key_delete", args=[connection.pk, api_key.api_key.pk]), headers=headers)
    settings_url = f"/connections/{connection.pk}/settings"
    assert response.headers.get("HX-Redirect" if headers else "Location") == settings_url
    assert "API key scheduler was deleted." in as_editor.get(settings_url).content.decode()
    # What each commit of the intake asks, whatever a process remembers of the key.
    assert lock_live([voucher]) == set()


def test_a_key_is_found_under_its_own_connection_only(as_editor: Client, api_key: Any) -> None:
    other = make_connection("Other")
    url = reverse("api_key_delete", args=[other.pk, api_key.api_key.pk])
    assert as_editor.get(url).status_code == as_editor.post(url).status_code == 404
    assert ApiKey.objects.count() == 1


def test_a_removed_connection_gets_no_key(as_editor: Client, connection: Connection, url: str) -> None:
    connection.removed_at = timezone.now()
    connection.save()
    assert as_editor.get(url).status_code == as_editor.post(url, {"name": "x"}).status_code == 404


def test_who_may(client: Client, as_viewer: Client, connection: Connection, url: str, api_key: Any) -> None:
    for path in (url, reverse("api_key_delete", args=[connection.pk, api_key.api_key.pk])):
        for method in ("get", "post"):
            assert getattr(client, method)(path)["Location"].startswith("/sign-in?next=")
            assert getattr(as_viewer, method)(path, {"name": "x"}).status_code == 403
    assert ApiKey.objects.count() == 1


def test_a_form_of_another_site_is_refused(editor: Any, url: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(editor)
    assert strict.post(url, {"name": "scheduler"}).status_code == 403
    assert not ApiKey.objects.exists()


def test_of_many_keys_those_are_shown_that_were_used_last(as_administrator: Client, connection: Connection) -> None:
    now = timezone.now()
    used_at = now - timedelta(days=1)
    for name in ("used", *(f"other {number}" for number in range(199))):
        create_api_key(connection=connection, name=name, created_by=None, now=now - timedelta(days=9))
        create_workspace_key(name=name, created_by=None, now=now - timedelta(days=9))
    for model in (ApiKey, WorkspaceKey):
        model.objects.filter(name="used").update(last_used_at=used_at)
    create_api_key(connection=connection, name="made just now", created_by=None, now=now)
    for path, count in ((reverse("connection_settings", args=[connection.pk]), 201), ("/workspace-keys", 200)):
        page = as_administrator.get(path).content.decode()
        assert page.count('class="key-name"') == KEYS_SHOWN
        assert f'<a class="btn" href="?keys=all">Show all {count} keys</a>' in page
        every = as_administrator.get(f"{path}?keys=all").content.decode()
        assert every.count('class="key-name"') == count
        assert "Show all" not in every
        names = re.findall('class="key-name">([^<]*)<', page)
        assert names[count - 200] == "used"
