"""The reader's own account: a password is changed by who knows it, a token is shown once and is its owner's alone."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from people.models import ApiToken
from people.sessions import device_of
from people.tokens import create_api_token
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

DIALOG = {"HX-Request": "true", "HX-Target": "dialog-content"}
NEW = "a staple for the horse"


def change(client: Client, current: str = PASSWORD, new: str = NEW, again: str = NEW) -> Any:
    return client.post("/account/password", {"current": current, "new_password1": new, "new_password2": again})


def signs_in(password: str) -> bool:
    return Client().post("/sign-in", {"login": "viewer", "password": password}).status_code == 302


def test_a_new_password_ends_the_other_sessions(as_viewer: Client, viewer: User) -> None:
    other = Client()
    other.force_login(viewer)

    assert change(as_viewer).status_code == 302

    assert "Your password was changed" in as_viewer.get("/account").content.decode()
    assert other.get("/account").status_code == 302
    assert signs_in(NEW)
    assert not signs_in(PASSWORD)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"current": "wrong"}, "This is not your password."),
        ({"again": "another staple for it"}, "The two password fields"),
        ({"new": "short", "again": "short"}, "at least 12 characters"),
        ({"new": "viewer@example.com", "again": "viewer@example.com"}, "too similar"),
    ],
)
def test_a_password_that_stays(as_viewer: Client, fields: dict[str, str], said: str) -> None:
    response = change(as_viewer, **fields)

    assert response.status_code == 422
    page = unescape(response.content.decode())
    assert said in page
    assert PASSWORD not in page
    assert NEW not in page
    assert signs_in(PASSWORD)


def test_guessing_the_current_password_is_limited_as_at_sign_in(as_viewer: Client) -> None:
    for _ in range(5):
        assert "This is not your password." in change(as_viewer, current="wrong").content.decode()
    assert "Too many failed login attempts" in change(as_viewer).content.decode()


def test_a_token_is_shown_once_and_reads_until_it_expires(as_viewer: Client, viewer: User) -> None:
    response = as_viewer.post("/account/tokens/create", {"name": " report ", "days": "30"}, headers=DIALOG)
    assert "no-store" in response["Cache-Control"]
    (text,) = re.findall(r'id="new-key">([^<]*)<', response.content.decode())
    assert read_with(text) == 200
    page = as_viewer.get("/account").content.decode()
    assert "report" in page
    assert text[-4:] in page
    assert text not in page

    ApiToken.objects.update(expires_at=timezone.now())
    assert read_with(text) == 401
    assert "Expired" in as_viewer.get("/account").content.decode()


def read_with(token: str) -> int:
    return Client().get("/api/v1/connections", headers={"Authorization": f"Bearer {token}"}).status_code


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "report", "days": "90"}, "You have a token with this name already."),
        ({"name": "other", "days": "9000"}, "9000 is not one of the available choices."),
        ({"name": "a\nb", "days": "90"}, "no control characters"),
        ({"name": "", "days": "90"}, "This field is required."),
    ],
)
def test_no_token_is_made(as_viewer: Client, viewer: User, fields: dict[str, str], said: str) -> None:
    create_api_token(user=viewer, name="report", now=timezone.now())

    response = as_viewer.post("/account/tokens/create", fields)

    assert response.status_code == 422
    assert said in unescape(response.content.decode())
    assert ApiToken.objects.count() == 1


def test_tokens_are_their_owners_alone(as_viewer: Client, as_editor: Client, viewer: User) -> None:
    new = create_api_token(user=viewer, name="mine", now=timezone.now() - timedelta(days=1))
    path = f"/account/tokens/{new.api_token.pk}/delete"
    assert "mine" not in as_editor.get("/account").content.decode()
    for answer in (as_editor.get(path), as_editor.post(path)):
        assert answer.status_code == 404
    assert read_with(new.text) == 200

    assert "was last used" in as_viewer.get(path).content.decode()
    assert as_viewer.post(path).status_code == 302
    assert read_with(new.text) == 401


def signed_in(agent: str) -> Client:
    client = Client(headers={"User-Agent": agent})
    client.post("/sign-in", {"login": "viewer", "password": PASSWORD})
    return client


def test_a_reader_sees_where_they_are_signed_in_and_ends_all_but_this(viewer: User, as_editor: Client) -> None:
    here = signed_in("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    elsewhere = signed_in("curl/8.1")
    page = here.get("/account").content.decode()
    assert page.index("curl") < page.index("Firefox on Linux") < page.index("this one")

    assert here.post("/account/sessions/end").status_code == 302

    assert elsewhere.get("/account").status_code == 302
    page = here.get("/account").content.decode()
    assert "curl" not in page
    assert "Sign out everywhere else" not in page
    assert as_editor.get("/account").status_code == 200


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
        ("python-requests/2.32", "python-requests"),
        ("", "unknown program"),
    ],
)
def test_devices(user_agent: str, device: str) -> None:
    assert device_of(user_agent) == device


def test_a_session_goes_on_in_the_list_after_a_new_password(viewer: User) -> None:
    here = signed_in("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    assert change(here).status_code == 302
    page = here.get("/account").content.decode()
    assert page.index("Firefox on Linux") < page.index("this one")


def test_an_operator_ends_a_session(viewer: User, as_administrator: Client) -> None:
    client = signed_in("curl/8.1")
    session = UserSession.objects.get()
    assert session.session_key not in as_administrator.get("/admin/usersessions/usersession/").content.decode()
    as_administrator.post(f"/admin/usersessions/usersession/{session.pk}/delete/", {"post": "yes"})
    assert client.get("/account").status_code == 302
