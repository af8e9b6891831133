"""The second step of signing in, by an authenticator app and by recovery codes; security keys need a browser."""

import re
from datetime import timedelta
from html import unescape
from io import StringIO
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from audit.models import AuditEntry
from people.tokens import create_api_token
from tests.conftest import PASSWORD
from tests.totp import code_of

pytestmark = pytest.mark.django_db

APP = "/account/factors/app"


def add_app(client: Client) -> tuple[str, list[str]]:
    """Set up an authenticator app. Returns its secret and the recovery codes."""
    (secret,) = re.findall(r'id="app-secret">([A-Z2-7]+)<', client.get(APP).content.decode())
    response = client.post(APP, {"code": code_of(secret)})
    assert response["Location"] == "/account/recovery-codes"
    page = client.get("/account/recovery-codes")
    assert "no-store" in page["Cache-Control"]
    return secret, re.findall(r"\b\d{8}\b", page.content.decode())


def signing_in() -> Client:
    client = Client()
    response = client.post("/sign-in?next=/jobs", {"login": "viewer", "password": PASSWORD, "next": "/jobs"})
    assert response["Location"] == "/sign-in/second-step"
    assert client.get("/account")["Location"].startswith("/sign-in")
    return client


def show(client: Client, code: str) -> Any:
    return client.post("/sign-in/second-step", {"code": code})


def entries() -> list[tuple[str, Any]]:
    return list(AuditEntry.objects.order_by("id").values_list("verb", "changes"))


def test_an_app_is_set_up_and_asked_for_at_sign_in(as_viewer: Client, viewer: User) -> None:
    assert as_viewer.post(APP, {"code": "000000"}).status_code == 422
    secret, codes = add_app(as_viewer)
    assert len(codes) == 10
    assert "not shown again" in as_viewer.get("/account/recovery-codes").content.decode()
    assert "10 left" in as_viewer.get("/account/factors").content.decode()

    client = signing_in()
    assert "wrong" in show(client, "123").content.decode()
    code = code_of(secret, periods=1)
    assert show(client, code)["Location"] == "/jobs"
    assert client.get("/jobs").status_code == 200
    again = signing_in()
    assert "works once" in show(again, code).content.decode()
    assert show(again, codes[0]).status_code == 302
    assert show(signing_in(), codes[0]).status_code == 200
    assert "9 left" in again.get("/account/factors").content.decode()

    assert entries() == [
        ("factor_added", {"factor": [None, "authenticator app"]}),
        ("codes_made", {}),
        ("second_step_failed", {}),
        ("signed_in", {"second step": [None, "authenticator app"]}),
        ("second_step_failed", {}),
        ("signed_in", {"second step": [None, "recovery code"]}),
        ("second_step_failed", {}),
    ]
    kept = str(list(Authenticator.objects.values()))
    written = str(list(AuditEntry.objects.values()))
    for hidden in (secret, *codes):
        assert hidden not in kept
        assert hidden not in written


def test_guessing_codes_is_limited_also_at_a_known_address(as_viewer: Client) -> None:
    secret, codes = add_app(as_viewer)
    show(signing_in(), codes[0])
    client = signing_in()
    for _ in range(5):
        assert "wrong" in show(client, "000000").content.decode()
    assert "Too many failed login attempts" in show(client, code_of(secret)).content.decode()
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        assert show(client, code_of(secret)).status_code == 302


def test_a_factor_is_removed_by_its_owner_and_by_administrators(
    as_viewer: Client, as_editor: Client, as_administrator: Client, viewer: User
) -> None:
    add_app(as_viewer)
    factor = Authenticator.objects.get(type="totp").pk
    assert as_editor.post(f"/account/factors/{factor}/remove").status_code == 404
    assert "only second step" in as_viewer.get(f"/account/factors/{factor}/remove").content.decode()
    assert as_viewer.post(f"/account/factors/{factor}/remove").status_code == 302
    assert not Authenticator.objects.exists()
    assert as_viewer.get("/account/recovery-codes/make").status_code == 404

    add_app(as_viewer)
    assert "Remove second steps" in as_administrator.get("/people").content.decode()
    path = f"/people/{viewer.pk}/factors/remove"
    assert "authenticator app" in as_administrator.get(path).content.decode()
    assert as_administrator.post(path).status_code == 302
    last = AuditEntry.objects.latest("id")
    assert (last.actor, last.verb, last.name) == ("administrator", "factor_removed", "viewer")
    add_app(as_viewer)
    call_command("remove_factors", "viewer", stdout=StringIO())
    assert not Authenticator.objects.exists()


def test_new_codes_end_the_former_ones(as_viewer: Client) -> None:
    _, former = add_app(as_viewer)
    assert "the 10 that you have left" in as_viewer.get("/account/recovery-codes/make").content.decode()
    assert as_viewer.post("/account/recovery-codes/make").status_code == 302
    codes = re.findall(r"\b\d{8}\b", as_viewer.get("/account/recovery-codes").content.decode())
    assert not set(codes) & set(former)
    assert show(signing_in(), former[0]).status_code == 200


@pytest.mark.parametrize("sent", ["", "{}", "[]", "7", '{"id": "a", "rawId": 1, "response": {}}', "\x00"])
def test_made_up_security_keys_are_refused(as_viewer: Client, sent: str) -> None:
    as_viewer.get("/account/factors/key")
    assert as_viewer.post("/account/factors/key", {"name": "desk", "credential": sent}).status_code == 422
    add_app(as_viewer)
    client = signing_in()
    client.get("/sign-in/second-step")
    assert client.post("/sign-in/second-step", {"credential": sent}).status_code == 200
    assert client.get("/jobs").status_code == 302


def test_another_secret_key_reads_the_factors_only_with_the_former_one(as_viewer: Client, settings: Any) -> None:
    secret, _ = add_app(as_viewer)
    client = signing_in()
    former, settings.SECRET_KEY = settings.SECRET_KEY, "another " * 8
    settings.SECRET_KEY_FALLBACKS = [former]
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        assert show(client, code_of(secret)).status_code == 302
    settings.SECRET_KEY_FALLBACKS = []
    other = signing_in()
    assert "SECRET_KEY was changed" in show(other, "123456").content.decode()


def test_who_must_have_a_factor_gets_nothing_else(
    as_viewer: Client, as_administrator: Client, administrator: User, settings: Any
) -> None:
    settings.MFA_REQUIRED = "administrators"
    assert as_viewer.get("/jobs").status_code == 200
    for path in ("/", "/jobs", "/people", "/admin/", "/account", "/account/password", "/metrics"):
        assert as_administrator.get(path)["Location"] == "/account/factors", path
    token = create_api_token(user=administrator, name="report", now=timezone.now()).text
    headers = {"Authorization": f"Bearer {token}"}
    assert Client().get("/api/v1/connections", headers=headers).status_code == 200
    refused = as_administrator.get("/api/v1/connections")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "factor_required")
    dialog = as_administrator.get("/people/add", headers={"HX-Request": "true"})
    assert dialog["HX-Redirect"] == "/account/factors"
    page = unescape(as_administrator.get("/account/factors").content.decode())
    assert "Your administrators ask for a second step" in page
    assert 'aria-label="Main"' not in page

    add_app(as_administrator)
    assert as_administrator.get("/people").status_code == 200
    settings.MFA_REQUIRED = "all"
    assert as_viewer.get("/jobs?q=load").status_code == 302
    add_app(as_viewer)
    done, again = (as_viewer.get("/account/factors").content.decode() for _ in range(2))
    assert '<a href="/jobs?q=load">Go on to the page that you asked for</a>' in done
    assert "Go on" not in again
    assert as_viewer.post("/sign-out").status_code == 302
