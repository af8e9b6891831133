"""/health/live and /health/ready: anonymous, without a session, and true about the database."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from server.health import middleware
from server.health.probes import ReadinessProbe, connect, pool_session

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget cached results of other tests."""
    monkeypatch.setattr(middleware, "_READINESS", ReadinessProbe(connect, pool_session))


@pytest.fixture
def without_durability() -> Iterator[str]:
    setting = "synchronous_commit"
    with psycopg.connect(**_parameters(), autocommit=True) as database:
        name = database.info.dbname
        database.execute(f'ALTER DATABASE "{name}" SET {setting} = off')
        yield setting
        database.execute(f'ALTER DATABASE "{name}" RESET {setting}')


def _parameters() -> dict[str, Any]:
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    parameters.pop("context", None)
    return parameters


def test_live_needs_no_database(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        response = client.get("/health/live")

    assert response.status_code == 200
    assert response.json() == {"status": "live"}


def test_ready_names_each_check(client: Client) -> None:
    response = client.get("/health/ready")

    assert response.status_code == 200
    assert response.json()["status"] == "ready"
    assert {name: check["ok"] for name, check in response.json()["checks"].items()} == {
        "database": True,
        "migrations": True,
        "durability": True,
    }


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_a_probe_comes_by_address_and_leaves_no_cookie(client: Client, path: str) -> None:
    response = client.get(path, headers={"Host": "10.1.2.3:8000"})

    assert response.status_code == 200
    assert not response.cookies
    assert "Vary" not in response.headers
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_only_reading_is_allowed(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405
    assert client.head(path).status_code == 200


def test_not_ready_without_synchronous_commit(client: Client, without_durability: str) -> None:
    response = client.get("/health/ready")

    assert response.status_code == 503
    assert response.json()["checks"]["durability"] == {"ok": False, "detail": f"off: {without_durability}"}


@pytest.mark.django_db(transaction=True)
def test_not_ready_before_the_migrations(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'lineage' AND name = '0001_tables' RETURNING applied")
        (applied,) = cursor.fetchone()
    try:
        response = client.get("/health/ready")
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO django_migrations (app, name, applied) VALUES ('lineage', '0001_tables', %s)", [applied]
            )

    assert response.status_code == 503
    assert response.json()["checks"]["migrations"] == {"ok": False, "detail": "1 not applied"}


def test_not_ready_while_the_database_is_away() -> None:
    def refused() -> "psycopg.Connection[object]":
        return psycopg.connect("postgresql://someone:s3cret@127.0.0.1:1/none", connect_timeout=2)

    readiness = ReadinessProbe(refused).ask()

    assert not readiness.ok
    assert readiness.as_json()["checks"]["database"] == {"ok": False, "detail": "unreachable"}


@pytest.fixture
def role_without_sessions(transactional_db: None) -> Iterator[str]:
    """Role for which PostgreSQL accepts no session."""
    with psycopg.connect(**_parameters(), autocommit=True) as database:
        database.execute("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
        yield "crowded"
        database.execute("DROP ROLE crowded")


def test_ready_while_the_pool_works_although_no_further_session_is_accepted(role_without_sessions: str) -> None:
    def refused() -> "psycopg.Connection[object]":
        return psycopg.connect(**_parameters() | {"user": role_without_sessions})

    with pytest.raises(psycopg.OperationalError, match="too many connections"):
        refused()
    assert ReadinessProbe(refused, pool_session).ask().as_json()["status"] == "ready"


def test_a_database_that_does_not_answer_is_given_up_soon() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        begin = time.monotonic()

        readiness = ReadinessProbe(
            lambda: psycopg.connect(f"postgresql://u@127.0.0.1:{port}/none", connect_timeout=2)
        ).ask()

    assert not readiness.ok
    assert time.monotonic() - begin < 5


def test_asking_often_costs_one_connection() -> None:
    connections = 0

    def counted() -> "psycopg.Connection[object]":
        nonlocal connections
        connections += 1
        return connect()

    probe = ReadinessProbe(counted)
    assert [probe.ask().ok for _ in range(20)] == [True] * 20
    assert connections == 1
