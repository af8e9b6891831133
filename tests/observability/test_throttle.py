"""Guessing is limited, and nobody locks out others."""

import re
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.test import Client
from django.utils import timezone

from observability import throttle
from observability.models import SignInCount
from observability.throttle import Throttled, admit, conclude, source_of
from tests.conftest import PASSWORD, InThread

HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"
THROTTLED = "Too many failed login attempts"
INCORRECT = "are not correct"
LOGINS = ("viewer", "viewer@example.com", "VIEWER", "Viewer@Example.com")


def sign_in(login: str, password: str, address: str) -> Any:
    return Client(REMOTE_ADDR=address).post("/sign-in", {"login": login, "password": password})


def page(login: str, password: str, address: str) -> str:
    return str(sign_in(login, password, address).content.decode())


def is_signed_in(login: str, address: str) -> bool:
    return bool(sign_in(login, PASSWORD, address).status_code == 302)


def later(**duration: float) -> None:
    """Let time pass for all counts."""
    passed = timedelta(**duration)
    SignInCount.objects.update(last_at=F("last_at") - passed, expires_at=F("expires_at") - passed)


def addresses() -> Any:
    return (f"203.0.113.{number}" for number in count(1))


@pytest.mark.django_db
def test_after_five_wrong_passwords_even_the_right_one_waits_longer_each_time(viewer: User) -> None:
    for _ in range(5):
        assert INCORRECT in page("viewer", "wrong", ELSEWHERE)
    for seconds in (30, 60, 120, 240, 480, 900, 900):
        assert THROTTLED in page("viewer", PASSWORD, ELSEWHERE)
        later(seconds=seconds - 2)
        assert THROTTLED in page("viewer", PASSWORD, ELSEWHERE)
        later(seconds=2)
        assert INCORRECT in page("viewer", "wrong", ELSEWHERE)
    later(hours=1)
    assert is_signed_in("viewer", ELSEWHERE)


@pytest.mark.django_db
def test_name_and_email_address_are_one_account(viewer: User) -> None:
    for number in range(5):
        assert INCORRECT in page(LOGINS[number % len(LOGINS)], "wrong", ELSEWHERE)
    for login in LOGINS:
        assert THROTTLED in page(login, PASSWORD, ELSEWHERE)


@pytest.mark.django_db
def test_nobody_locks_out_who_signed_in_before(viewer: User) -> None:
    assert is_signed_in("viewer", HOME)
    for address, _ in zip(addresses(), range(60), strict=False):
        page("viewer", "wrong", address)
    assert THROTTLED in page("viewer", PASSWORD, ELSEWHERE)

    assert is_signed_in("viewer", HOME)
    assert is_signed_in("viewer@example.com", HOME)


@pytest.mark.django_db
def test_wrong_passwords_from_a_known_address_only_make_the_right_one_wait(viewer: User) -> None:
    assert is_signed_in("viewer", HOME)
    for _ in range(50):
        page("viewer", "wrong", HOME)
        later(seconds=1)

    assert is_signed_in("viewer", HOME)


@pytest.mark.django_db
def test_guesses_from_a_known_address_take_turns(viewer: User) -> None:
    source, now = source_of(viewer, "viewer", HOME), timezone.now()
    conclude(source, succeeded=True, now=now)
    for _ in range(5):
        assert not admit(source, now=now)
        conclude(source, succeeded=False, now=now)

    waits = [admit(source, now=now) for _ in range(2)]

    assert waits == [timedelta(seconds=1), timedelta(seconds=2)]
    with pytest.raises(Throttled):
        admit(source, now=now)
    assert not admit(source, now=now + timedelta(seconds=3))


@pytest.mark.django_db
def test_an_account_is_guarded_against_many_addresses(viewer: User) -> None:
    outcomes = [page("viewer", "wrong", address) for address, _ in zip(addresses(), range(20), strict=False)]
    assert [INCORRECT in outcome for outcome in outcomes] == [True] * 10 + [False] * 10
    assert all(THROTTLED in outcome for outcome in outcomes[10:])


@pytest.mark.django_db
def test_an_address_that_tries_many_accounts_is_refused_but_not_where_it_is_known(viewer: User, editor: User) -> None:
    assert is_signed_in("viewer", HOME)
    outcomes = [page(f"nobody-{number}", "wrong", HOME) for number in range(25)]
    assert [INCORRECT in outcome for outcome in outcomes] == [True] * 20 + [False] * 5
    assert THROTTLED in page("editor", PASSWORD, HOME)
    assert is_signed_in("viewer", HOME)


@pytest.mark.django_db
def test_unknown_accounts_behave_alike(viewer: User) -> None:
    def story(login: str, network: str) -> list[str]:
        pages = [page(login, "wrong", f"{network}.1") for _ in range(7)]
        pages += [page(login, "wrong", f"{network}.{number}") for number in range(2, 10)]
        return [re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text.replace(login, "LOGIN")) for text in pages]

    assert story("viewer", "192.0.2") == story("nobody", "198.51.100")
    assert story("viewer@example.com", "203.0.113")[-1] == story("nobody@example.com", "10.0.0")[5]


@pytest.mark.django_db
def test_a_right_password_does_not_forgive_the_guesses_at_other_accounts(viewer: User, editor: User) -> None:
    for _ in range(4):
        page("editor", "wrong", HOME)
    assert is_signed_in("viewer", HOME)
    assert INCORRECT in page("editor", "wrong", HOME)
    assert THROTTLED in page("editor", "wrong", HOME)


@pytest.mark.django_db
def test_the_admin_has_no_other_way_in(administrator: User) -> None:
    assert Client().get("/admin/login/")["Location"].startswith("/sign-in?next=")
    form = {"username": "administrator", "password": PASSWORD}
    assert Client().post("/admin/login/", form)["Location"].startswith("/sign-in?next=")


@pytest.mark.django_db(transaction=True)
def test_guesses_that_come_at_once_gain_nothing(viewer: User, in_thread: InThread) -> None:
    calls = [in_thread(page, "viewer", "wrong", ELSEWHERE) for _ in range(10)]
    outcomes = [call.result() for call in calls]
    assert sum(INCORRECT in outcome for outcome in outcomes) <= 5
    assert SignInCount.objects.get(account=str(viewer.pk), address=ELSEWHERE).failures <= 5


@pytest.mark.django_db
def test_the_right_password_is_not_shown_to_be_right_when_others_failed_meanwhile(viewer: User) -> None:
    source, now = source_of(viewer, "viewer", ELSEWHERE), timezone.now()
    admit(source, now=now)
    for _ in range(5):
        conclude(source, succeeded=False, now=now)
    with pytest.raises(Throttled):
        conclude(source, succeeded=True, now=now)


@pytest.mark.django_db
def test_what_people_type_is_not_stored_and_goes_away(viewer: User) -> None:
    for number in range(10):
        page(f"my secret {number}", "wrong", HOME)
    assert not SignInCount.objects.filter(account__contains="secret").exists()
    before = SignInCount.objects.count()
    later(hours=2)
    page("viewer", "wrong", ELSEWHERE)
    assert SignInCount.objects.count() == 3 < before


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
    ],
)
def test_a_customer_has_one_address(address: str, counted: str) -> None:
    assert source_of(None, "x", address).address == counted


def test_the_longest_delay_is_shorter_than_the_memory() -> None:
    assert throttle._delay(10_000) < throttle.FAILURES_FORGOTTEN_AFTER
