"""Rows for this room's tests."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from connections import actions
from connections.models import Connection

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

MakeConnection = Callable[..., Connection]
MakeKey = Callable[..., actions.NewApiKey]


@pytest.fixture
def make_connection(db: None) -> MakeConnection:
    def make(name: str = "Airflow", type: str = "airflow") -> Connection:  # noqa: A002
        return actions.create_connection(name=name, type=type, created_by=None, now=NOW)

    return make


@pytest.fixture
def make_key(db: None) -> MakeKey:
    def make(connection: Connection, name: str = "first") -> actions.NewApiKey:
        return actions.create_api_key(connection=connection, name=name, created_by=None, now=NOW)

    return make
