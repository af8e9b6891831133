"""The benchmarks' generator stores what the product would store."""

import random
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection as database
from django.utils import timezone

from bench.filling import Filled, filled
from connections.models import ApiKey, Connection
from lineage.database.bodies import decompress
from lineage.digest.digest import Submission, digest
from lineage.events import decode_event
from lineage.models import Run
from lineage.states.settle import settle
from tests.serving import OwnDatabase, own_database

# All of them, so that they run one after the other: their database is made once.
pytestmark = pytest.mark.django_db

EVENTS = 2000
# Columns to compare. `received_at` and all of lineage_activity are by our clock, so they differ.
TABLES = {
    "lineage_event": "event_time, id, kind, event_type, subject_id, body_bytes, body",
    "lineage_job": "*",
    # Without the receipts: planned events are received when they take place.
    "lineage_run": ", ".join(
        field.attname for field in Run._meta.concrete_fields if field.attname not in ("received_at", "last_received_at")
    ),
    "lineage_dataset": "*",
    "lineage_edge": "*",
}
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('lineage_event', 'lineage_run') ORDER BY indexname
"""


@pytest.fixture(scope="module")
def own() -> Iterator[OwnDatabase]:
    with own_database() as made:
        yield made


@pytest.fixture(scope="module")
def stock(own: OwnDatabase) -> Filled:
    return filled(own, "stock", EVENTS)


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchall()


def digest_all(connection_id: UUID, bodies: list[bytes]) -> None:
    now = timezone.now()
    connection = Connection.objects.create(id=connection_id, name="stock", type="openlineage", created_at=now)
    key = ApiKey.objects.create(connection=connection, name="key", lookup="stock", created_at=now)
    for start in range(0, len(bodies), 500):
        events = [decode_event(body) for body in bodies[start : start + 500]]
        digest([Submission(key.voucher, events)], now=now)
    settle(connection_id, now=now)


def test_the_rows_are_those_that_digest_makes_of_the_same_events(stock: Filled) -> None:
    url = stock.database.url
    bodies = [decompress(body) for (body,) in rows(url, "SELECT body FROM lineage_event")]
    random.Random(1).shuffle(bodies)
    digest_all(stock.sender[0], bodies)

    assert len(bodies) == EVENTS
    for table, columns in TABLES.items():
        statement = f"SELECT {columns} FROM {table} ORDER BY id"  # noqa: S608 - made of constants
        with database.cursor() as cursor:
            cursor.execute(statement)
            assert rows(url, statement) == cursor.fetchall(), table


def test_runs_end_in_several_ways(stock: Filled) -> None:
    found = rows(stock.database.url, "SELECT shown_state, count(*) FROM lineage_run GROUP BY 1 ORDER BY 1")

    assert found == [("COMPLETED", 379), ("FAILED", 20), ("RUNNING", 1)]
    noted = rows(stock.database.url, "SELECT to_state, count(*) FROM lineage_transition GROUP BY 1 ORDER BY 1")
    assert noted == [("COMPLETED", 379), ("FAILED", 20), ("RUNNING", 400)]


def test_the_connection_was_heard_from(stock: Filled) -> None:
    assert rows(stock.database.url, "SELECT connection_id FROM lineage_activity") == [(stock.sender[0],)]


def test_all_indexes_and_keys_are_back(stock: Filled, own: OwnDatabase) -> None:
    assert rows(stock.database.url, _INDEXES) == rows(own.url, _INDEXES)
    assert rows(stock.database.url, "SELECT 1 FROM pg_index WHERE NOT indisvalid") == []
