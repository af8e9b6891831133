"""Attacks around factors: sessions and sign-ins from before a change, lost devices, secrets that cannot be read."""

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection as database
from django.db import transaction
from django.test import Client
from django.utils import timezone

from audit.models import AuditEntry
from observability.throttle import conclude, source_of_second_step
from people.accounts import deactivate
from people.confirmation import note_confirmed
from people.factors import remove_factors
from tests.conftest import PASSWORD, InThread
from tests.totp import code_of
from tests.waiting import wait_until
from tests.web.test_second_step import APP, add_app, show, signing_in

pytestmark = pytest.mark.django_db

CODES = "/account/recovery-codes"


def signed_in(login: str = "viewer") -> Client:
    client = Client()
    assert client.post("/sign-in", {"login": login, "password": PASSWORD}).status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get("/account/factors").status_code == 200


def show_factor(client: Client) -> None:
    """Let a session be one in which a factor was shown just now."""
    session = client.session
    note_confirmed(session, now=timezone.now(), by_factor=True)
    session.save()


def later(**duration: float) -> Any:
    return time_machine.travel(timezone.now() + timedelta(**duration))


def test_a_session_by_password_alone_ends_with_the_first_factor(viewer: User, settings: Any) -> None:
    """A thief who has the password waits at the page that asks for a factor, until the owner has one."""
    settings.MFA_REQUIRED = "all"
    thief, owner = signed_in(), signed_in()
    assert is_in(thief)
    add_app(owner)
    assert (is_in(thief), is_in(owner)) == (False, True)
    assert AuditEntry.objects.filter(verb="sessions_ended").count() == 1


def test_sessions_end_with_a_factor_that_is_removed(viewer: User, administrator: User) -> None:
    owner = signed_in()
    _, codes = add_app(owner)
    other = signing_in()
    show(other, codes[0])
    factor = Authenticator.objects.get(type="totp").pk
    assert owner.post(f"/account/factors/{factor}/remove").status_code == 302
    assert (is_in(other), is_in(owner)) == (False, True)

    add_app(owner)
    boss = signed_in("administrator")
    assert boss.post(f"/people/{viewer.pk}/factors/remove").status_code == 302
    assert (is_in(owner), is_in(boss)) == (False, True)
    add_app(boss)
    assert boss.post(f"/people/{administrator.pk}/factors/remove").status_code == 302
    assert is_in(boss)

    owner = signed_in()
    add_app(owner)
    call_command("remove_factors", "viewer", stdout=StringIO())
    assert not is_in(owner)


def test_the_operators_site_removes_a_factor_as_people_do(viewer: User, as_administrator: Client) -> None:
    owner = signed_in()
    add_app(owner)
    app = Authenticator.objects.get(type="totp").pk
    selected = {"action": "delete_selected", "_selected_action": [app], "post": "yes"}
    assert as_administrator.post("/admin/mfa/authenticator/", selected).status_code == 302
    assert not Authenticator.objects.exists()
    assert not is_in(owner)
    owner = signed_in()
    add_app(owner)
    app = Authenticator.objects.get(type="totp").pk
    assert as_administrator.post(f"/admin/mfa/authenticator/{app}/delete/", {"post": "yes"}).status_code == 302
    assert not Authenticator.objects.exists()
    assert not is_in(owner)
    assert set(AuditEntry.objects.filter(via="admin").values_list("verb", flat=True)) == {
        "factor_removed",
        "sessions_ended",
    }


def test_a_sign_in_that_waits_starts_anew_without_factors(as_viewer: Client, viewer: User) -> None:
    add_app(as_viewer)
    client = signing_in()
    remove_factors(user=viewer, keep=None)
    assert client.get("/sign-in/second-step")["Location"] == "/sign-in"
    assert client.get("/sign-in").status_code == 200
    assert signed_in().get("/jobs").status_code == 200


def test_a_sign_in_that_waits_ends_with_the_account_and_with_the_password(as_viewer: Client, viewer: User) -> None:
    _, codes = add_app(as_viewer)
    client = signing_in()
    viewer.set_password("another long password")
    viewer.save()
    assert show(client, codes[0])["Location"] == "/sign-in"
    assert client.get("/jobs").status_code == 302
    viewer.set_password(PASSWORD)
    viewer.save()
    client = signing_in()
    deactivate(user=viewer)
    assert show(client, codes[1])["Location"] == "/sign-in/inactive"
    assert client.get("/jobs").status_code == 302
    last = AuditEntry.objects.latest("id")
    assert (last.verb, last.changes) == ("sign_in_refused", {"reason": [None, "deactivated"]})


def test_recovery_codes_are_shown_once_to_who_confirmed(as_viewer: Client) -> None:
    page = as_viewer.get(APP).content.decode()
    (secret,) = re.findall(r'id="app-secret">([A-Z2-7]+)<', page)
    as_viewer.post(APP, {"code": code_of(secret)})
    assert as_viewer.head(CODES).status_code == 200
    assert as_viewer.post(CODES).status_code == 405
    with later(minutes=31):
        asked = as_viewer.get(CODES).content.decode()
        assert "Confirm that it is you" in asked
        assert not re.search(r"\b\d{8}\b", asked)
        right = as_viewer.post(CODES, {"confirm-waiting": "GET", "confirm-code": code_of(secret)})
        assert right["Location"] == CODES
        assert len(re.findall(r"\b\d{8}\b", as_viewer.get(CODES).content.decode())) == 10
        assert not re.search(r"\b\d{8}\b", as_viewer.get(CODES).content.decode())


def test_factors_that_cannot_be_read_are_limited_recorded_and_replaced(
    as_viewer: Client, viewer: User, settings: Any
) -> None:
    add_app(as_viewer)
    as_viewer.post(f"{CODES}/make")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another " * 8, []
    client = signing_in()
    for _ in range(5):
        assert "SECRET_KEY was changed" in show(client, "123456").content.decode()
    assert "Too many failed login attempts" in show(client, "123456").content.decode()
    assert AuditEntry.objects.filter(verb="second_step_failed").count() >= 5

    as_viewer.force_login(viewer)
    show_factor(as_viewer)
    assert as_viewer.get(CODES).status_code == 200
    assert "the former ones" in as_viewer.get(f"{CODES}/make").content.decode()
    app = Authenticator.objects.get(type="totp")
    app.type = "webauthn"  # one that needs no secret of ours
    app.data = {"name": "desk"}
    app.save()
    _, codes = add_app(as_viewer)
    assert len(codes) == 10


def test_an_unreadable_factor_does_not_shut_out_the_others(as_viewer: Client) -> None:
    secret, codes = add_app(as_viewer)
    for kind, field, code in (("totp", "secret", codes[0]), ("recovery_codes", "seed", code_of(secret, periods=1))):
        factor = Authenticator.objects.get(type=kind)
        kept = factor.data[field]
        factor.data[field] = "not encrypted"
        factor.save()
        assert show(signing_in(), code).status_code == 302, kind
        factor.refresh_from_db()
        factor.data[field] = kept
        factor.save()


def test_the_code_that_activates_an_app_is_used(as_viewer: Client) -> None:
    secret, _ = add_app(as_viewer)
    code = code_of(secret)
    assert "works once" in show(signing_in(), code).content.decode()


def test_nobody_at_an_address_stops_the_second_steps_of_others_there(viewer: User, editor: User) -> None:
    now = timezone.now()
    for number in range(30):
        stranger = source_of_second_step(User(pk=1_000_000 + number), "127.0.0.1")
        conclude(stranger, succeeded=False, now=now)
    secret, _ = add_app(signed_in())
    assert show(signing_in(), code_of(secret, periods=1)).status_code == 302
    assert signed_in("editor").get("/jobs").status_code == 200


def test_a_password_alone_changes_no_factor_of_who_has_one(as_viewer: Client) -> None:
    secret, _ = add_app(as_viewer)
    factor = Authenticator.objects.get(type="totp").pk
    paths = [f"/account/factors/{factor}/remove", "/account/factors/key", CODES, f"{CODES}/make"]
    with later(minutes=31):
        token = {"name": "report", "days": "30", "confirm-waiting": "POST", "confirm-password": PASSWORD}
        assert as_viewer.post("/account/tokens/create", token).status_code == 200
        for path in paths:
            asked = as_viewer.get(path).content.decode()
            assert "Confirm that it is you" in asked, path
            assert 'name="confirm-password"' not in asked, path
            sent = {"confirm-waiting": "GET", "confirm-password": PASSWORD}
            assert as_viewer.post(path, sent).status_code == 422, path
        sent = {"confirm-waiting": "POST", "confirm-code": code_of(secret)}
        assert as_viewer.post(paths[0], sent).status_code == 302
    assert not Authenticator.objects.exists()


def test_refusals_by_the_limit_and_confirmations_are_recorded(as_viewer: Client) -> None:
    _, codes = add_app(as_viewer)
    client = signing_in()
    for _ in range(6):
        show(client, "000000")
    last = AuditEntry.objects.latest("id")
    assert (last.verb, last.changes) == ("second_step_failed", {"reason": [None, "too many failures"]})
    with later(minutes=31):
        as_viewer.post("/account/tokens/create", {"confirm-waiting": "GET", "confirm-password": PASSWORD})
        as_viewer.post(f"{CODES}/make", {"confirm-waiting": "GET", "confirm-code": codes[0]})
    confirmed = AuditEntry.objects.filter(verb="confirmed").order_by("id")
    assert [entry.changes for entry in confirmed] == [
        {"by": [None, "password"]},
        {"by": [None, "recovery code"]},
    ]
    page = Client()
    page.force_login(User.objects.create(username="auditor", is_superuser=True))
    assert "Confirmed" in page.get("/audit").content.decode()


def test_no_page_shows_the_navigation_to_who_needs_a_factor(as_viewer: Client, settings: Any) -> None:
    settings.MFA_REQUIRED = "all"
    missing = as_viewer.get("/no-such-page")
    assert missing.status_code == 404
    assert 'aria-label="Main"' not in missing.content.decode()
    settings.MFA_REQUIRED = "off"
    assert 'aria-label="Main"' in as_viewer.get("/no-such-page").content.decode()


def test_twenty_security_keys_are_enough(as_viewer: Client, viewer: User) -> None:
    keys = [Authenticator(user=viewer, type="webauthn", data={"name": str(number)}) for number in range(20)]
    Authenticator.objects.bulk_create(keys)
    show_factor(as_viewer)
    as_viewer.post("/account/factors/key", {"name": "desk", "credential": "{}"})
    assert "You have 20 security keys" in as_viewer.get("/account/factors").content.decode()


@pytest.mark.django_db(transaction=True)
def test_an_app_is_added_once(viewer: User, in_thread: InThread) -> None:
    client = signed_in()
    (secret,) = re.findall(r'id="app-secret">([A-Z2-7]+)<', client.get(APP).content.decode())

    def add() -> int:
        one = Client()
        one.cookies = client.cookies
        return int(one.post(APP, {"code": code_of(secret)}).status_code)

    calls = [in_thread(add) for _ in range(3)]
    assert {call.result() for call in calls} <= {302, 422}
    assert Authenticator.objects.filter(type="totp").count() == 1


def is_somebody_waiting() -> bool:
    with database.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_a_factor_that_goes_while_its_code_is_read_is_no_error(viewer: User, in_thread: InThread) -> None:
    secret, _ = add_app(signed_in())
    client = signing_in()
    with transaction.atomic():
        Authenticator.objects.select_for_update().get(type="totp")
        shown = in_thread(show, client, code_of(secret, periods=1))
        wait_until(is_somebody_waiting, "a request that reads the factor")
        Authenticator.objects.all().delete()
    assert shown.result().status_code == 200
    assert AuditEntry.objects.latest("id").verb == "second_step_failed"


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_at_once_one_shows_the_codes(viewer: User, in_thread: InThread) -> None:
    client = signed_in()
    add_app(client)
    client.post(f"{CODES}/make")
    with transaction.atomic():
        Authenticator.objects.select_for_update().get(type="recovery_codes")
        calls = [in_thread(client.get, CODES) for _ in range(2)]
        wait_until(is_somebody_waiting, "a request that reads the codes")
    pages = [call.result().content.decode() for call in calls]
    assert sorted(len(re.findall(r"\b\d{8}\b", page)) for page in pages) == [0, 10]
