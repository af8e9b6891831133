"""The real openlineage-python client while the database is unavailable: it is asked to try again, and nothing is
lost."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import requests
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

from tests.serving import LiveServer, OwnDatabase, own_database, serve

RUNS = 20
# Seconds for which both clients wait for a response before they send a copy.
ANSWER_SECONDS = 5
# Seconds in which everything must have ended; the clients try for 9 seconds.
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def database() -> Iterator[OwnDatabase]:
    with own_database() as database:
        yield database


@pytest.fixture(scope="module")
def server(database: OwnDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with serve(database.url, tmp_path_factory.mktemp("server") / "log.txt", workers=1) as server:
        yield server


def expect_503(url: str, key: str) -> None:
    """Check that intake answers 503, on which every sender tries again, before the sender's timeout."""
    event: dict[str, Any] = {"eventTime": "2026-07-01T00:00:00Z", "job": {"namespace": "shop", "name": "never_stored"}}
    answer = requests.post(url, json=event, headers={"Authorization": f"Bearer {key}"}, timeout=ANSWER_SECONDS)
    assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "1"), answer.text


def stored(database: OwnDatabase, connection_id: UUID) -> Counter[tuple[str, str]]:
    """Count the stored events of each run and type."""
    with psycopg.connect(database.url) as connection:
        rows = connection.execute(
            "SELECT run.run_id::text, event.event_type FROM lineage_event AS event "
            "JOIN lineage_run AS run ON (run.connection_id, run.id) = (event.connection_id, event.subject_id) "
            "WHERE event.connection_id = %s",
            [connection_id],
        )
        return Counter(rows.fetchall())


def runs(database: OwnDatabase, connection_id: UUID) -> set[tuple[str, str, int]]:
    with psycopg.connect(database.url) as connection:
        rows = connection.execute(
            "SELECT run_id::text, state, event_count FROM lineage_run WHERE connection_id = %s", [connection_id]
        )
        return set(rows.fetchall())


@pytest.mark.parametrize("transport", ["http", "async_http"])
def test_every_event_arrives_once(
    database: OwnDatabase, server: LiveServer, transport: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    connection_id, key = database.add_sender(f"Sends by {transport}")
    url = server.endpoint(connection_id)
    config = {"type": transport, "url": url, "endpoint": "", "auth": {"type": "api_key", "apiKey": key}}
    clients = [OpenLineageClient(config={"transport": config}) for _ in range(4 if transport == "http" else 1)]
    ids = [str(uuid4()) for _ in range(RUNS)]

    def emit(number: int, state: RunState) -> None:
        time = datetime(2026, 7, 1, number, tzinfo=UTC).isoformat()
        clients[number % len(clients)].emit(
            RunEvent(
                eventType=state,
                eventTime=time,
                run=Run(runId=ids[number]),
                job=Job(namespace="shop", name="load"),
                producer="https://example.com",
            )
        )

    for number in range(RUNS):
        emit(number, RunState.START)
    database.stop()
    try:
        expect_503(url, key)
        with ThreadPoolExecutor(len(clients)) as pool:
            # Each client is refused now, and tries again until the database is available.
            sent = [pool.submit(emit, number, RunState.COMPLETE) for number in range(RUNS)]
            expect_503(url, key)
            database.start()
            for result in sent:
                result.result(PATIENCE_SECONDS)
    finally:
        database.start()
    assert all(client.close(PATIENCE_SECONDS) for client in clients)

    assert stored(database, connection_id) == Counter((id_, type_) for id_ in ids for type_ in ["START", "COMPLETE"])
    assert runs(database, connection_id) == {(id_, "COMPLETED", 2) for id_ in ids}


def test_those_whose_key_the_process_does_not_remember_are_answered_in_time(
    database: OwnDatabase, server: LiveServer
) -> None:
    """Right after a start of the server, keys take turns to be verified, and each waits for the database."""
    connection_id, key = database.add_sender("Comes first")
    url = server.endpoint(connection_id)
    database.stop()
    try:
        with ThreadPoolExecutor(30) as pool:
            for refused in [pool.submit(expect_503, url, key) for _ in range(30)]:
                refused.result()
    finally:
        database.start()
