"""Fixtures, loaded by tests/conftest.py: the running product, and a sender that uses real HTTP.

The server reads the database of the test session, so a test creates its connections and keys through the ORM, and finds
there what the server stored. Both see only committed rows, hence `transactional_db`: tables are emptied after each
test, while the server keeps running.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connections as databases
from django.utils import timezone

from connections import actions, keys
from connections.models import ApiKey, Connection
from lineage.models import Mark
from tests.serving import LiveServer, serve
from tests.waiting import wait_until

METRICS_TOKEN = "for-tests-only-and-long-enough"
# Name by which PostgreSQL's sessions of the server differ from those of the tests.
SERVER_SESSIONS = "served"


@dataclass(frozen=True)
class Sender:
    """Connection with an API key."""

    connection: Connection
    api_key: ApiKey
    key: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def with_lookup_of(key: str) -> str:
    """A well-formed key whose public part is that of `key`, and whose secret is not."""
    body = f"{keys.API_KEY_PREFIX}{keys.parse_key(key).lookup}_{keys.new_key().secret}"
    return f"{body}_{keys._checksum(body)}"


@contextmanager
def serve_tests(log: Path, environment: Mapping[str, str] | None = None, **options: Any) -> Iterator[LiveServer]:
    """Serve the product on the database of the test session. See `serve` for further options."""
    name = databases["default"].settings_dict["NAME"]
    database_url = psycopg.conninfo.make_conninfo(os.environ["DATABASE_URL"], dbname=name)
    settings = {
        "DJANGO_SETTINGS_MODULE": "tests.serving_settings",
        "METRICS_TOKEN": METRICS_TOKEN,
        "PGAPPNAME": SERVER_SESSIONS,
    }
    with serve(database_url, log, environment=settings | dict(environment or {}), **options) as server:
        yield server


@pytest.fixture(scope="session")
def _server_of_session(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with serve_tests(tmp_path_factory.mktemp("server") / "log.txt") as server:
        yield server


@pytest.fixture
def server(_server_of_session: LiveServer, transactional_db: None) -> Iterator[LiveServer]:
    """Running product, with empty tables."""
    assert _server_of_session.process.poll() is None, _server_of_session.log.read_text()
    yield _server_of_session
    # The server settles after it has answered; emptying the tables meanwhile may cause a deadlock.
    wait_until_settled()


def wait_until_settled() -> None:
    """Wait until the shown states of all answered events are stored."""
    wait_until(lambda: not Mark.objects.exists(), "every mark is settled")


@pytest.fixture
def new_sender(server: LiveServer) -> Callable[..., Sender]:
    """Create connections with an API key."""

    def add(name: str = "Production") -> Sender:
        now = timezone.now()
        connection = actions.create_connection(name=name, type="openlineage", created_by=None, now=now)
        made = actions.create_api_key(connection=connection, name=f"{name} key", created_by=None, now=now)
        return Sender(connection, made.api_key, made.text)

    return add


@pytest.fixture
def sender(new_sender: Callable[..., Sender]) -> Sender:
    return new_sender()
