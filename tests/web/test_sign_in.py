"""Sign in and out: closed to strangers and says nothing about who has an account."""

import re
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.test import Client
from django.urls import NoReverseMatch, reverse
from pytest_django import Settings

from observability.settings import PASSWORD_HASHERS
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def sign_in(client: Client, login: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/sign-in", {"login": login, "password": password, **more})


@pytest.mark.parametrize("login", ["viewer", "viewer@example.com"])
def test_by_username_or_email(client: Client, viewer: User, login: str) -> None:
    response = sign_in(client, login)
    assert (response.status_code, response["Location"]) == (302, "/")
    page = client.get("/connections").content.decode()
    assert "Viewer</span>" in page
    assert "message" not in re.findall(r'class="([\w-]+)', page)


def test_at_rest_a_password_is_hashed_with_argon2id(client: Client, viewer: User, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = PASSWORD_HASHERS
    viewer.password = make_password(PASSWORD)
    viewer.save()
    assert viewer.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert sign_in(client, "viewer")["Location"] == "/"


def test_it_leads_to_the_page_that_was_asked_for(client: Client, viewer: User) -> None:
    assert 'name="next" value="/connections?q=x"' in client.get("/sign-in?next=/connections%3Fq%3Dx").content.decode()
    assert sign_in(client, "viewer", next="/connections?q=x")["Location"] == "/connections?q=x"


def test_it_leads_to_no_other_site(client: Client, viewer: User) -> None:
    assert sign_in(client, "viewer", next="https://elsewhere.example/")["Location"] == "/"


def test_a_wrong_password_and_an_unknown_user_look_the_same(client: Client, viewer: User) -> None:
    def answer(login: str) -> str:
        response = sign_in(client, login, "wrong")
        assert response.status_code == 200
        page = response.content.decode().replace(login, "LOGIN")
        return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)

    known = answer("viewer")
    assert "are not correct" in known
    assert answer("nobody") == known


def test_an_inactive_account_is_told_so_only_with_its_password(client: Client, viewer: User) -> None:
    viewer.is_active = False
    viewer.save()
    assert "are not correct" in sign_in(client, "viewer", "wrong").content.decode()
    response = client.post("/sign-in", {"login": "viewer", "password": PASSWORD}, follow=True)
    assert "This account is not active" in response.content.decode()
    assert client.get("/connections").status_code == 302


def test_signing_out_takes_a_post(as_viewer: Client) -> None:
    assert "Sign out?" in as_viewer.get("/sign-out").content.decode()
    assert as_viewer.get("/connections").status_code == 200
    response = as_viewer.post("/sign-out", follow=True)
    assert response.redirect_chain[-1][0].startswith("/sign-in")
    assert "You are signed out." in response.content.decode()


def test_who_is_signed_in_does_not_sign_in_again(as_viewer: Client) -> None:
    assert as_viewer.get("/sign-in")["Location"] == "/"


def test_nobody_signs_up_or_resets_a_password_by_themselves() -> None:
    for name in ("account_signup", "account_reset_password", "account_email"):
        with pytest.raises(NoReverseMatch):
            reverse(name)


def test_the_page_is_kept_by_no_cache(client: Client) -> None:
    assert "no-store" in client.get("/sign-in")["Cache-Control"]


def test_the_password_is_not_written_into_the_page(client: Client, viewer: User) -> None:
    page = sign_in(client, "viewer", "a secret that is wrong").content.decode()
    assert "a secret that is wrong" not in page
    assert 'value="viewer"' in page


@pytest.mark.parametrize(("role", "words"), [("editor", "Editor"), ("administrator", "Administrator")])
def test_the_menu_says_the_role(client: Client, request: pytest.FixtureRequest, role: str, words: str) -> None:
    client.force_login(request.getfixturevalue(role))
    page = client.get("/connections").content.decode()
    assert f"{words}</span>" in page
    assert (reverse("people") in page) == (role == "administrator")
