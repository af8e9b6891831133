"""Rows and threads for this room's tests."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection as database

from connections import actions
from connections.models import Connection

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def make_connection(db: None) -> Callable[..., Connection]:
    def make(name: str = "Airflow", type: str = "airflow") -> Connection:  # noqa: A002
        return actions.create_connection(name=name, type=type, created_by=None, now=NOW)

    return make


@pytest.fixture
def make_key(db: None) -> Callable[..., actions.NewApiKey]:
    def make(connection: Connection, name: str = "first") -> actions.NewApiKey:
        return actions.create_api_key(connection=connection, name=name, created_by=None, now=NOW)

    return make


@pytest.fixture
def in_thread() -> Iterator[Callable[..., "Future[Any]"]]:
    """Calls a function in a thread with a database connection of its own."""

    def call(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        finally:
            database.close()

    with ThreadPoolExecutor(max_workers=16) as threads:
        yield lambda function, *args, **options: threads.submit(call, function, *args, **options)
