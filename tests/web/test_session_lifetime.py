"""A session ends if it is not used, and at the latest some weeks after signing in. The last use shows among people."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from observability.sessions import end_of
from people.roles import people
from tests.conftest import PASSWORD

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_when_a_session_ends() -> None:
    assert end_of({}, now=NOW) == NOW + 12 * HOUR
    assert end_of({"signed_in_at": (NOW - DAY).timestamp()}, now=NOW) == NOW + 12 * HOUR
    assert end_of({"signed_in_at": (NOW - 30 * DAY + HOUR).timestamp()}, now=NOW) == NOW + HOUR


@contextmanager
def after(time: timedelta) -> Iterator[datetime]:
    moment = timezone.now() + time
    with time_machine.travel(moment, tick=False):
        yield moment


def sign_in(client: Client) -> None:
    assert client.post("/sign-in", {"login": "viewer", "password": PASSWORD}).status_code == 302


def last_seen(user: User) -> Any:
    return vars(people().get(pk=user.pk))["last_seen"]


def is_signed_in(client: Client) -> bool:
    return client.get("/account").status_code == 200


@pytest.mark.django_db
def test_a_session_ends_when_it_is_not_used(client: Client, viewer: User) -> None:
    sign_in(client)
    with after(11 * HOUR):
        assert is_signed_in(client)
    with after(22 * HOUR) as used_at:
        assert is_signed_in(client)
        assert last_seen(viewer) == used_at
    with (
        after(22 * HOUR + timedelta(minutes=3)),
        CaptureQueriesContext(
            connection,
        ) as asked,
    ):
        assert is_signed_in(client)
    assert not [query for query in asked.captured_queries if query["sql"].startswith(("UPDATE", "INSERT"))]
    with after(35 * HOUR):
        assert not is_signed_in(client)
    assert last_seen(viewer) == used_at


@pytest.mark.django_db
def test_a_session_ends_a_month_after_signing_in(client: Client, viewer: User, settings: Any) -> None:
    settings.SESSION_IDLE_HOURS = 24 * 365
    sign_in(client)
    with after(20 * DAY):
        assert is_signed_in(client)
        new = {"new_password1": "a staple for the horse", "new_password2": "a staple for the horse"}
        assert client.post("/account/password", {"current": PASSWORD, **new}).status_code == 302
    with after(29 * DAY):
        assert is_signed_in(client)
    with after(31 * DAY):
        assert not is_signed_in(client)


@pytest.mark.django_db
def test_a_session_of_the_version_before_goes_on(client: Client, viewer: User) -> None:
    sign_in(client)
    session = client.session
    del session["signed_in_at"]
    stored = Session.objects.filter(pk=session.session_key or "")
    stored.update(session_data=session.encode(dict(session)), expire_date=timezone.now() + 14 * DAY)
    assert is_signed_in(client)
    assert stored.get().expire_date < timezone.now() + 13 * HOUR
