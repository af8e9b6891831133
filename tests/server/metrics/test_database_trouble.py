"""Metrics of a database that hangs, loses sessions, refuses values or is unavailable."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import connection as database

from lineage.models import Event
from tests.lineage.intake.http.documents import encoded, event
from tests.lineage.intake.http.wire import Reply, post
from tests.live_server import METRICS_TOKEN, SERVER_SESSIONS, Sender
from tests.server.metrics.scrape import Scrape, scrape
from tests.serving import LiveServer, own_database, serve
from tests.waiting import wait_until

REQUESTS = "intake_requests_total"
EVENTS = "intake_events_total"


@pytest.fixture
def counted(server: LiveServer) -> Callable[[], Scrape]:
    """Return what was counted since the test began, and present levels."""
    before = scrape(server)
    return lambda: scrape(server).since(before)


@contextmanager
def hanging_events() -> Iterator[None]:
    """Keep everybody from writing events."""
    parameters = database.get_connection_params()
    for name in ("context", "cursor_factory"):
        parameters.pop(name, None)
    with psycopg.connect(**parameters) as session:
        session.execute("LOCK TABLE lineage_event IN ACCESS EXCLUSIVE MODE")
        yield


def test_what_waits_while_the_database_hangs(server: LiveServer, sender: Sender, counted: Callable[[], Scrape]) -> None:
    """Waiting requests are asked to try again. Nothing of them is stored then, so the second try is not a repeat."""
    path = server.path(sender.connection.id)
    bodies = [encoded(padding="x" * 10_000) for _ in range(6)]

    def send(body: bytes) -> Reply:
        return post(server, path, body, sender.headers)

    with ThreadPoolExecutor(len(bodies)) as threads:
        with hanging_events():
            replies = [threads.submit(send, body) for body in bodies]
            wait_until(lambda: scrape(server).value("intake_waiting_requests") == len(bodies))
            assert scrape(server).value("intake_open_requests") == len(bodies)
            assert scrape(server).value("intake_held_bytes") >= len(bodies) * 10_000
            assert {reply.result().status for reply in replies} == {503}
        assert not Event.objects.exists()
        assert {reply.status for reply in threads.map(send, bodies)} == {201}

    expected = {("rejected", "database_slow"): len(bodies), ("stored", ""): len(bodies)}
    assert counted().by_label(REQUESTS, "outcome", "reason") == expected
    wait_until(lambda: counted().by_label(EVENTS, "outcome", "reason") == expected)
    wait_until(lambda: scrape(server).value("intake_open_requests") == 0)
    assert scrape(server).value("intake_waiting_requests") == scrape(server).value("intake_held_bytes") == 0


def test_a_session_that_is_lost(server: LiveServer, sender: Sender, counted: Callable[[], Scrape]) -> None:
    path = server.path(sender.connection.id)
    for _ in range(20):
        assert post(server, path, encoded(), sender.headers).status == 201
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", [SERVER_SESSIONS]
        )

    for _ in range(20):
        assert post(server, path, encoded(), sender.headers).status == 201

    assert counted().value(EVENTS, outcome="stored", reason="") == Event.objects.count() == 40
    assert counted().value("database_retries_total", kind="lost") >= 1
    assert counted().value("database_errors_total", kind="lost") >= 1
    assert counted().value("commit_failures_total") == 0


def test_values_that_the_database_refuses(server: LiveServer, sender: Sender, counted: Callable[[], Scrape]) -> None:
    """The database refuses one of the jobs, as it would any value that decoding accepted."""
    path = server.path(sender.connection.id)
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE lineage_job ADD CONSTRAINT no_poison CHECK (name <> 'poison')")
    try:
        poison = event(job={"namespace": "shop", "name": "poison"})
        assert post(server, path, encoded(**poison), sender.headers).status == 422
        assert post(server, path, encoded(), sender.headers).status == 201
    finally:
        with database.cursor() as cursor:
            cursor.execute("ALTER TABLE lineage_job DROP CONSTRAINT no_poison")

    assert counted().by_label(REQUESTS, "outcome", "reason") == {("stored", ""): 1, ("rejected", "unstorable"): 1}
    assert counted().by_label(EVENTS, "outcome", "reason") == {("stored", ""): 1, ("rejected", "unstorable"): 1}
    assert counted().value("database_retries_total", kind="data") == 1


def test_a_database_that_is_away(tmp_path: Path) -> None:
    """The metrics can be read nevertheless, when they are needed most."""
    with own_database() as own:
        id_, key = own.add_sender()
        settings = {"METRICS_TOKEN": METRICS_TOKEN}
        with serve(own.url, tmp_path / "log.txt", workers=1, environment=settings) as server:
            bearer = {"Authorization": f"Bearer {key}"}

            def send(body: bytes | None = None, suffix: str = "") -> int:
                return post(server, server.path(id_, suffix), body or encoded(), bearer).status

            assert send() == 201
            before = scrape(server)
            own.stop()
            assert [send() for _ in range(3)] == [503] * 3
            # Committed in parts: after the first failed part the others are not tried.
            assert send(json.dumps([event()] * 1200).encode(), "/batch") == 503
            away = scrape(server).since(before)
            own.start()
            wait_until(lambda: send() == 201)

    assert away.by_label(REQUESTS, "outcome", "reason") == {("rejected", "database_away"): 4}
    assert away.by_label(EVENTS, "outcome", "reason") == {("rejected", "database_away"): 3 + 1200}
    assert away.value("commit_failures_total") == 4
    assert sum(away.by_label("database_errors_total", "kind").values()) >= 4
