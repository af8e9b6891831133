"""Signing in at the provider: when it counts as a confirmation, who may come, and the administrator with a password."""

import re
import time
from datetime import timedelta
from html import unescape
from io import StringIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from observability.checks import check_break_glass_administrator
from observability.single_sign_on_settings import check
from people.accounts import LastAdministrator, change_role, deactivate
from people.roles import Role, role_of
from people.single_sign_on import Rules, person_of
from tests.conftest import PASSWORD
from tests.web.identity_provider import Forger, forger
from tests.web.test_confirmation import ASKED, NEW_TOKEN
from tests.web.test_single_sign_on import set_up

pytestmark = pytest.mark.django_db


def come(client: Client, fake: Forger, **sent: str) -> dict[str, str]:
    """Sign in at a forger that says what its claims hold. Returns what it was asked for."""
    page = client.post("/sign-in/sso", {"next": "/jobs", **sent}).content.decode()
    (url,) = re.findall(r'content="0; url=([^"]+)"', page)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(unescape(url)).query).items()}
    fake.challenges["c"] = asked["code_challenge"]
    assert client.get("/sign-in/sso/callback", {"code": "c", "state": asked["state"]}).status_code == 302
    return asked


def must_confirm(client: Client) -> bool:
    return ASKED in client.get(NEW_TOKEN).content.decode()


def may_not_begin(client: Client) -> bool:
    return ASKED in client.get("/account/factors/app").content.decode()


def test_it_confirms_only_if_the_provider_says_that_it_asked_just_now(settings: Any) -> None:
    with forger() as fake:
        set_up(settings, fake.issuer)
        client = Client()
        # So that a provider that can say when it asked says so.
        assert come(client, fake)["max_age"] == str(30 * 24 * 60 * 60)
        assert must_confirm(client)
        now = int(time.time())
        fake.userinfo["auth_time"] = now  # type: ignore[assignment]  # nobody signed this
        for auth_time in (None, now - 3600, "now", True, 10**400):
            fake.claims["auth_time"] = auth_time
            asked = come(client, fake, again="on")
            assert (asked["prompt"], asked["max_age"]) == ("login", "0")
            assert must_confirm(client), auth_time
        fake.claims["auth_time"] = now
        come(client, fake, again="on")
        assert not must_confirm(client)


def test_a_provider_that_never_says_when_it_asked(settings: Any) -> None:
    """Signing in there again confirms nothing, but for somebody's first second step, which then confirms."""
    with forger() as fake:
        set_up(settings, fake.issuer)
        client = Client()
        come(client, fake)
        assert may_not_begin(client)
        come(client, fake, again="on")
        page = client.get(NEW_TOKEN).content.decode()
        assert ASKED in page
        assert "did not say when it asked" in page
        assert 'href="/account/factors"' in page
        assert not may_not_begin(client)
        with time_machine.travel(timezone.now() + timedelta(minutes=11)):
            assert may_not_begin(client)

        # A provider that said it once could say it: somebody may have changed the request.
        fake.claims["auth_time"] = int(time.time()) - 3600
        come(client, fake)
        del fake.claims["auth_time"]
        come(client, fake, again="on")
        assert may_not_begin(client)


def test_who_has_a_password_begins_with_it(settings: Any) -> None:
    with forger() as fake:
        set_up(settings, fake.issuer)
        client = Client()
        come(client, fake)
        User.objects.update(password=make_password(PASSWORD))
        come(client, fake)
        come(client, fake, again="on")
        assert may_not_begin(client)


def test_a_session_of_somebody_else_confirms_nothing(settings: Any, viewer: User) -> None:
    with forger() as fake:
        set_up(settings, fake.issuer)
        client = Client()
        client.post("/sign-in", {"login": "viewer", "password": PASSWORD})
        come(client, fake)
        assert "ada" in client.get("/account").content.decode()
        assert must_confirm(client)


def test_the_administrator_with_a_password_stays_one(settings: Any, administrator: User) -> None:
    User.objects.create(username="other", is_superuser=True, is_staff=True)
    change_role(user=User.objects.create(username="free", is_superuser=True), role=Role.VIEWER)
    settings.LOCAL_LOGIN, settings.BREAK_GLASS_ADMINISTRATOR = False, "administrator"
    with pytest.raises(LastAdministrator, match="BREAK_GLASS_ADMINISTRATOR"):
        deactivate(user=administrator)
    with pytest.raises(LastAdministrator):
        change_role(user=administrator, role=Role.VIEWER)
    rules: Any = Rules("groups", {"*": Role.VIEWER}, frozenset())
    kept = person_of(known=administrator, claims={"sub": "1"}, rules=rules, now=timezone.now())
    assert role_of(kept) == "administrator"

    client = Client()
    assert "Passwords are off here" in client.get("/sign-in?password").content.decode()
    client.force_login(User.objects.get(username="other"))
    here = f"/admin/auth/user/{administrator.pk}"
    fields = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00", "is_active": "on"}
    demoted = client.post(f"{here}/change/", {**fields, "username": "administrator"})
    renamed = client.post(f"{here}/change/", {**fields, "username": "ada", "is_superuser": "on"})
    for page in (demoted, renamed):
        assert "BREAK_GLASS_ADMINISTRATOR" in page.content.decode()
    assert client.post(f"{here}/delete/", {"post": "yes"}).status_code == 403


def test_a_check_says_if_nobody_could_sign_in_by_password(settings: Any, administrator: User) -> None:
    settings.LOCAL_LOGIN, settings.BREAK_GLASS_ADMINISTRATOR = False, "administrator"
    assert check_break_glass_administrator(databases=["default"]) == []
    assert check_break_glass_administrator(databases=None) == []
    for field, value in (("is_active", False), ("is_superuser", False), ("password", "!none"), ("username", "ada")):
        User.objects.filter(pk=administrator.pk).update(**{field: value})
        [found] = check_break_glass_administrator(databases=["default"])
        assert "BREAK_GLASS_ADMINISTRATOR" in found.msg
    warned = StringIO()
    call_command("check", databases=["default"], stderr=warned)
    assert "observatory.W001" in warned.getvalue()
    settings.LOCAL_LOGIN = True
    assert check_break_glass_administrator(databases=["default"]) == []


def test_a_provider_of_everybody_needs_consent() -> None:
    good: dict[str, Any] = {"issuer": "https://corp.test", "client_id": "c", "local_login": True, "break_glass": ""}
    for rules in ({"domains": ["corp.test"]}, {"role_claim": "g", "role_map": {"a": "viewer"}}):
        check(**{**good, "role_claim": "", "role_map": {}, "domains": [], **rules})
    check(**good, role_claim="", role_map={"*": "viewer"}, domains=[])
    with pytest.raises(ImproperlyConfigured, match="OIDC_ALLOWED_DOMAINS"):
        check(**good, role_claim="", role_map={}, domains=[])
    for roles in ({"*": "editor"}, {"*": "viewer", "a": "viewer"}):
        with pytest.raises(ImproperlyConfigured):
            check(**good, role_claim="", role_map=roles, domains=["corp.test"])
