"""Fixtures, loaded by tests/conftest.py: the running product, and somebody who sends to it over real HTTP.

The server reads the database of the test session, so a test makes its connections and keys through the ORM and finds
there what the server stored. Both see committed rows alone, hence `transactional_db`: tables are emptied after each
test, while the server runs on.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from django.db import connections as databases
from django.utils import timezone

from connections import actions
from connections.models import ApiKey, Connection
from lineage.models import Mark
from tests.serving import LiveServer, serve
from tests.waiting import wait_until

METRICS_TOKEN = "for-tests-only-and-long-enough"
# By which PostgreSQL knows the server's sessions from those of the tests.
SERVER_SESSIONS = "served"


@dataclass(frozen=True)
class Sender:
    """A connection, and a key of it."""

    connection: Connection
    api_key: ApiKey
    key: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@contextmanager
def serve_tests(log: Path, environment: Mapping[str, str] | None = None) -> Iterator[LiveServer]:
    """A server on the database of the test session."""
    name = databases["default"].settings_dict["NAME"]
    database_url = psycopg.conninfo.make_conninfo(os.environ["DATABASE_URL"], dbname=name)
    settings = {
        "DJANGO_SETTINGS_MODULE": "tests.serving_settings",
        "METRICS_TOKEN": METRICS_TOKEN,
        "PGAPPNAME": SERVER_SESSIONS,
    }
    with serve(database_url, log, environment=settings | dict(environment or {})) as server:
        yield server


@pytest.fixture(scope="session")
def _server_of_session(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with serve_tests(tmp_path_factory.mktemp("server") / "log.txt") as server:
        yield server


@pytest.fixture
def server(_server_of_session: LiveServer, transactional_db: None) -> Iterator[LiveServer]:
    """The running product, with empty tables."""
    assert _server_of_session.process.poll() is None, _server_of_session.log.read_text()
    yield _server_of_session
    # It settles after it has answered; who empties the tables meanwhile may come into a deadlock with it.
    wait_until_settled()


def wait_until_settled() -> None:
    """Waits until what runs are shown as is stored for all events that the server answered."""
    wait_until(lambda: not Mark.objects.exists(), "every mark is settled")


@pytest.fixture
def new_sender(server: LiveServer) -> Callable[..., Sender]:
    """Adds a connection with a key."""

    def add(name: str = "Production") -> Sender:
        now = timezone.now()
        connection = actions.create_connection(name=name, type="openlineage", created_by=None, now=now)
        made = actions.create_api_key(connection=connection, name=f"{name} key", created_by=None, now=now)
        return Sender(connection, made.api_key, made.text)

    return add


@pytest.fixture
def sender(new_sender: Callable[..., Sender]) -> Sender:
    return new_sender()
