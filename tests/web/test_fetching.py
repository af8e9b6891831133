"""Fetching on a connection's pages: set-up, test, change, buttons, what is said of it; and no secret anywhere."""

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from audit.models import AuditEntry
from connections.models import Connection
from pull.actions import secret_of
from pull.http.hosts import AllowedHosts
from pull.models import PullSource, SyncRun
from pull.probing import probe_in_time
from tests.pull.airflow.replay import NOW, PASSWORD, replayed
from tests.pull.conftest import fetch
from tests.pull.local_server import Answer, LocalServer, answering
from tests.web.rows import make_activity, make_connection

pytestmark = pytest.mark.django_db

PROBE = {"HX-Request": "true", "HX-Target": "probe"}


@pytest.fixture(autouse=True)
def may_fetch(settings: Any) -> None:
    settings.SECRETS_KEY = [Fernet.generate_key().decode()]
    settings.PULL_ALLOWED_HOSTS = ["127.0.0.1"]


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with replayed() as (server, _):
        yield server


@pytest.fixture
def connection() -> Connection:
    return make_connection()


def path_of(connection: Connection, rest: str = "") -> str:
    return f"/connections/{connection.pk}/fetching{rest}"


def sent(url: str, **fields: Any) -> dict[str, Any]:
    form = {"url": url, "username": "viewer", "secret": PASSWORD, "namespace": "default", "recipe": ""}
    return {**form, "every_minutes": "5", "backfill_days": "7", **fields}


def text_of(response: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def make_source(connection: Connection, url: str = "https://airflow.example.com", **fields: Any) -> PullSource:
    now = timezone.now()
    fields = {"created_at": now, "next_at": now + timedelta(minutes=3), **fields}
    return PullSource.objects.create(connection=connection, system="airflow", config={"url": url}, **fields)


def make_sync(source: PullSource, outcome: str = "ok", **fields: Any) -> SyncRun:
    began = timezone.now() - timedelta(minutes=4)
    fields = {"began_at": began, "ended_at": began + timedelta(seconds=2), "calls": 3, "events": 12, **fields}
    return SyncRun.objects.create(source=source, outcome=outcome, new_events=fields["events"] // 2, **fields)


# --- Set-up


def test_who_fetches_comes_from_the_dialog_to_the_set_up(as_editor: Client) -> None:
    added = as_editor.post("/connections/add", {"name": "Fetched", "type": "airflow", "way": "fetched"})
    connection = Connection.objects.get()
    assert added["Location"] == path_of(connection)
    page = as_editor.get(added["Location"])
    assert "Fetch from Airflow" in text_of(page)
    assert 'type="password"' in page.content.decode()
    other = as_editor.post("/connections/add", {"name": "Sends", "type": "openlineage", "way": "sends"})
    assert other["Location"].endswith("/settings")
    sends = Connection.objects.get(name="Sends")
    assert as_editor.get(path_of(sends, "/check")).status_code == 404
    assert as_editor.get(path_of(sends) + "?system=airflow").status_code == 404


def test_a_source_is_tested_stored_and_changed(as_editor: Client, connection: Connection, server: LocalServer) -> None:
    wrong = as_editor.post(path_of(connection, "/test"), sent(server.url, secret="wrong"), headers=PROBE)
    assert "The test failed" in text_of(wrong)
    assert "wrong" not in text_of(wrong).split()
    right = as_editor.post(path_of(connection, "/test"), sent(server.url), headers=PROBE)
    assert "The test passed" in text_of(right)
    assert "<html" not in right.content.decode()
    assert not PullSource.objects.exists()

    saved = as_editor.post(path_of(connection), sent(server.url + "/", every_minutes="15"))
    assert saved["Location"].endswith("/settings")
    source = PullSource.objects.get()
    assert (source.config["url"], source.every_minutes, source.backfill_days) == (server.url, 15, 7)
    assert secret_of(source) == {"secret": PASSWORD}

    # An empty secret is the stored one, at its own address only.
    kept = sent(server.url, secret="", every_minutes="30")
    assert "The test passed" in text_of(as_editor.post(path_of(connection, "/test"), kept, headers=PROBE))
    assert as_editor.post(path_of(connection), kept).status_code == 302
    source.refresh_from_db()
    assert (source.every_minutes, secret_of(source)) == (30, {"secret": PASSWORD})
    asked = len(server.asked)
    elsewhere = sent(server.url.replace("127.0.0.1", "localhost"), secret="")
    for there in ("", "/test"):
        refused = as_editor.post(path_of(connection, there), elsewhere)
        assert refused.status_code == 422
        assert "enter the password or token for it" in text_of(refused)
    assert len(server.asked) == asked


def test_the_system_is_chosen_where_there_are_several(as_editor: Client, connection: Connection) -> None:
    composer = path_of(connection, "?system=composer")
    assert "Key of a service account" in text_of(as_editor.get(composer))
    assert as_editor.get(path_of(connection, "?system=cron")).status_code == 404
    assert as_editor.post(composer, sent("https://composer.example.com")).status_code == 302
    assert PullSource.objects.get().system == "composer"


def test_what_is_missing_stands_at_its_field(as_editor: Client, connection: Connection) -> None:
    page = as_editor.post(path_of(connection), sent("airflow.example.com", secret="", every_minutes="7"))
    html = page.content.decode()
    assert page.status_code == 422
    assert re.findall(r'id="id_(\w+)_error"', html) == ["url", "secret", "every_minutes"]
    assert "it begins with https://" in html
    tested = as_editor.post(path_of(connection, "/test"), sent("airflow.example.com"), headers=PROBE)
    assert "Not tested Airflow's URL This is no URL" in text_of(tested)


def test_without_a_key_for_secrets_nothing_is_stored(as_editor: Client, connection: Connection, settings: Any) -> None:
    settings.SECRETS_KEY = []
    assert "SECRETS_KEY" in text_of(as_editor.get(path_of(connection)))
    refused = as_editor.post(path_of(connection), sent("https://airflow.example.com"))
    assert refused.status_code == 422
    assert "has to set SECRETS_KEY" in text_of(refused)
    assert not PullSource.objects.exists()


def test_a_private_host_is_refused_in_words(as_editor: Client, connection: Connection, settings: Any) -> None:
    settings.PULL_ALLOWED_HOSTS = []
    tested = as_editor.post(path_of(connection, "/test"), sent("https://127.0.0.1"), headers=PROBE)
    assert "PULL_ALLOWED_HOSTS=127.0.0.1" in text_of(tested)


def test_a_test_ends_although_the_system_does_not_answer() -> None:
    answered = threading.Event()

    def wait(_: Any) -> Answer:
        answered.wait(10)
        return Answer(404)

    with answering(wait) as server:
        values = {"url": server.url, "username": "viewer", "namespace": "default"}
        allowed = AllowedHosts.parse(["127.0.0.1"])
        steps = probe_in_time(system="airflow", config=values, secret={}, allowed=allowed, seconds=0.05)
        answered.set()
    assert [(step.title, step.passed) for step in steps] == [("Answers in time", False)]


# --- The pages of the connection


def test_what_is_said_before_the_first_runs(as_viewer: Client, connection: Connection) -> None:
    source = make_source(connection, paused_at=timezone.now())
    for words, change in (
        ("Fetching is paused", {}),
        ("The first sync begins in a moment", {"paused_at": None, "next_at": timezone.now()}),
        ("Nothing fetches", {"next_at": timezone.now() - timedelta(minutes=11)}),
        ("The first sync is under way", {"lease_until": timezone.now() + timedelta(minutes=5)}),
    ):
        PullSource.objects.filter(pk=source.pk).update(**change)
        if "lease_until" in change:
            make_sync(source, "running", ended_at=None)
        for page in ("", "/settings"):
            shown = text_of(as_viewer.get(f"/connections/{connection.pk}{page}"))
            assert words in shown
            assert "generate an API key" not in shown
            assert "No API key yet" not in shown
    PullSource.objects.update(lease_until=None, next_at=timezone.now() + timedelta(minutes=3))
    SyncRun.objects.all().delete()
    make_sync(source, "failed", reason="The sign-in page stands in front.")
    for page in ("", "/settings"):
        shown = text_of(as_viewer.get(f"/connections/{connection.pk}{page}"))
        assert "The first sync failed" in shown
        assert shown.count("The sign-in page") == 1 + (page == "/settings")
    assert "Last sync failed: The sign-in page" in text_of(as_viewer.get("/connections"))


def test_what_is_said_of_syncs(as_editor: Client, connection: Connection) -> None:
    now = timezone.now()
    make_activity(connection, at=now)
    source = make_source(connection, backfilled_to=now, backfill_to=now - timedelta(days=5), cursor=now)
    for number in range(25):
        make_sync(source, began_at=now - timedelta(hours=number), calls=number)
    make_sync(source, "partial", began_at=now, problems={"Unknown state odd": 3}, events=1)
    overview, page = (text_of(as_editor.get(f"/connections/{connection.pk}{tab}")) for tab in ("", "/settings"))
    for text in (overview, page):
        assert re.search(r"From (Airflow )?airflow.example.com Last sync In part", text)
        assert "1 event, 0 new" in text
        assert "Next sync in 2 min" in text
        assert "2 of 7 days" in text
        assert "Sync now" in text
    assert "Unknown state odd 3 times" in page
    assert page.count("Complete 12 events, 6 new") == 19
    assert "Fetch from this Airflow" not in page


def test_a_connection_that_sends_is_offered_fetching(
    as_editor: Client, as_viewer: Client, connection: Connection
) -> None:
    settings = f"/connections/{connection.pk}/settings"
    assert "Fetch from Airflow or Google Cloud Composer" in text_of(as_editor.get(settings))
    assert "Fetch from" not in text_of(as_viewer.get(settings))


def test_buttons(as_editor: Client, connection: Connection) -> None:
    source = make_source(connection)
    back = as_editor.post(path_of(connection, "/pause"), {"tab": "overview"})
    assert back["Location"] == f"/connections/{connection.pk}"
    source.refresh_from_db()
    assert source.paused_at
    assert as_editor.post(path_of(connection, "/resume"))["Location"].endswith("/settings")
    assert as_editor.post(path_of(connection, "/sync"), {"tab": "//elsewhere"})["Location"].endswith("/settings")
    source.refresh_from_db()
    assert source.paused_at is None
    assert source.next_at <= timezone.now()
    assert "airflow.example.com" in text_of(as_editor.get(path_of(connection, "/remove")))
    as_editor.post(path_of(connection, "/remove"))
    assert not PullSource.objects.exists()
    assert as_editor.post(path_of(connection, "/sync")).status_code == 404


# --- The secret


def test_the_secret_is_nowhere(as_editor: Client, administrator: User, server: LocalServer, caplog: Any) -> None:
    connection = make_connection()
    answers = [as_editor.post(path_of(connection, "/test"), sent(server.url)) for _ in range(2)]
    answers += [as_editor.post(path_of(connection), sent(server.url, every_minutes="x"))]
    answers += [as_editor.post(path_of(connection), sent(server.url))]
    as_editor.force_login(administrator)
    source = PullSource.objects.get()
    admin = f"/admin/pull/pullsource/{source.pk}"
    here = f"/connections/{connection.pk}"
    for path in (
        here,
        f"{here}/settings",
        path_of(connection),
        "/admin/pull/pullsource/",
        f"{admin}/change/",
        "/audit",
    ):
        answers.append(as_editor.get(path))
        assert answers[-1].status_code == 200
    answers += [as_editor.get("/audit.csv"), as_editor.get(f"/api/v1{here}")]
    texts = [answer.content.decode() if not answer.streaming else b"".join(answer).decode() for answer in answers]
    texts += [str(list(AuditEntry.objects.values())), caplog.text]
    assert source.secret
    for canary in (PASSWORD, source.secret):
        assert [text for text in texts if canary in text] == []


# --- Check


def test_a_check_names_what_differs(as_editor: Client, server: LocalServer) -> None:
    connection = make_connection()
    as_editor.post(path_of(connection), sent(server.url))
    source = PullSource.objects.get()
    found = text_of(as_editor.get(path_of(connection, "/check")))
    assert "runs differ" in found
    assert "Failed there, not stored here." in found
    fetch(source, clock=lambda: NOW)
    with time_machine.travel(NOW, tick=False):
        assert "runs of the last 24 hours agree" in text_of(as_editor.get(path_of(connection, "/check")))
    server.answer = lambda _: Answer(500)
    assert "answers 500" in text_of(as_editor.get(path_of(connection, "/check")))
    assert as_editor.get(path_of(make_connection("Other"), "/check")).status_code == 404
