"""Hashes of passwords: one at once, a short queue, and a page that asks to try again."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from observability import passwords
from observability.passwords import AT_ONCE, MAX_WAITING, HashingBusy, Turns
from observability.settings import PASSWORD_HASHERS
from tests.conftest import PASSWORD, InThread
from tests.waiting import wait_until


class Work:
    """Work that lasts until it is released, and counts how much of it runs."""

    def __init__(self, turns: Turns) -> None:
        self.running = 0
        self.release = threading.Event()
        self._turns, self._guard = turns, threading.Lock()

    def __call__(self) -> None:
        with self._turns.turn():
            with self._guard:
                self.running += 1
            assert self.release.wait(10)


def busy(calls: list["Future[Any]"]) -> int:
    return sum(call.done() and isinstance(call.exception(), HashingBusy) for call in calls)


def test_few_at_once_and_few_wait(in_thread: InThread) -> None:
    work = Work(Turns(at_once=2, max_waiting=3, wait_seconds=10))
    calls = [in_thread(work) for _ in range(12)]
    wait_until(lambda: busy(calls) == 7)
    assert work.running == 2
    work.release.set()
    for call in calls:
        call.exception()
    assert work.running == 5


def test_nobody_waits_for_ever(in_thread: InThread) -> None:
    work = Work(Turns(at_once=1, max_waiting=1, wait_seconds=0.01))
    first = in_thread(work)
    wait_until(lambda: work.running)
    second = in_thread(work)
    assert isinstance(second.exception(), HashingBusy)
    work.release.set()
    first.result()


@contextmanager
def all_places_taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    turns = Turns(at_once=1, max_waiting=0, wait_seconds=0)
    with monkeypatch.context() as patch, ExitStack() as held:
        patch.setattr(passwords, "_turns", turns)
        held.enter_context(turns.turn())
        yield


def expect_busy(response: Any) -> None:
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    page = response.content.decode()
    assert "Try again in a few seconds" in page
    assert 'href="/sign-in"' in page


@pytest.mark.django_db
@pytest.mark.parametrize("login", ["viewer", "viewer@example.com", "nobody"])
@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_a_sign_in_is_asked_to_try_again(
    client: Client, viewer: User, monkeypatch: pytest.MonkeyPatch, login: str, password: str
) -> None:
    with all_places_taken(monkeypatch):
        expect_busy(client.post("/sign-in", {"login": login, "password": password}))

    assert client.post("/sign-in", {"login": "viewer", "password": PASSWORD}).status_code == 302


@pytest.mark.django_db
def test_a_new_password_in_the_admin_is_asked_to_try_again(
    client: Client, administrator: User, viewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(administrator)
    form = {"password1": "another horse battery", "password2": "another horse battery", "usable_password": "true"}
    with all_places_taken(monkeypatch):
        expect_busy(client.post(f"/admin/auth/user/{viewer.id}/password/", form))
    viewer.refresh_from_db()
    assert viewer.check_password(PASSWORD)


def test_the_product_hashes_with_the_parameters_of_owasp_and_few_at_once(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = PASSWORD_HASHERS
    hashed = make_password(PASSWORD)
    assert hashed.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert check_password(PASSWORD, hashed)
    assert AT_ONCE + MAX_WAITING < 16  # sessions of the database
