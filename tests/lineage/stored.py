"""Events stored as rows, without a sender: for tests of where events are kept, and for how long."""

import secrets
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection as database

from lineage.database.bodies import compress
from lineage.models import Event
from lineage.upkeep.partitions import (
    DEFAULT,
    create_week,
    monday_of,
    name_of_week,
    partition_names,
)

WEEK = timedelta(weeks=1)


def store(event_time: datetime, **fields: Any) -> Event:
    """Received when it took place, unless fields say otherwise."""
    defaults = {
        "connection_id": uuid.uuid4(),
        "id": uuid.uuid4(),
        "received_at": event_time,
        "kind": "RUN",
        "event_type": "START",
        "subject_id": uuid.uuid4(),
        # It does not compress: the row does not hold it.
        "body": '{"a": "\\u0000"}' + secrets.token_hex(5_000),
    }
    event = Event(event_time=event_time, **{**defaults, **fields})
    event.body_bytes = len(event.body)
    event.save(force_insert=True)
    return event


def store_many(count: int, event_time: datetime, received_at: datetime) -> None:
    """Store one event per second, of one connection, each with a small body."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO lineage_event (
                connection_id, event_time, id, received_at, kind, subject_id, body_bytes, body
            )
            SELECT %s, %s::timestamptz + n * interval '1 second', gen_random_uuid(), %s, 'RUN', gen_random_uuid(), 2, %s
            FROM generate_series(1, %s) AS n
            """,
            [uuid.uuid4(), event_time, received_at, compress(b"{}"), count],
        )


def is_stored(event: Event) -> bool:
    return Event.objects.filter(connection_id=event.connection_id, id=event.id).exists()


def partition_of(event: Event) -> str:
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM lineage_event WHERE connection_id = %s AND id = %s",
            [event.connection_id, event.id],
        )
        [(name,)] = cursor.fetchall()
    return str(name)


def make_week(moment: datetime) -> str:
    """The partition that holds a moment, and its name."""
    monday = monday_of(moment)
    assert create_week(monday)
    return name_of_week(monday)


def drop_weeks_older_than(monday: date) -> None:
    """DDL of a test with real transactions outlives the test."""
    with database.cursor() as cursor:
        for name in partition_names() - {DEFAULT}:
            if name < name_of_week(monday):
                cursor.execute(f"DROP TABLE {name}")


def this_monday() -> datetime:
    monday = monday_of(datetime.now(UTC))
    return datetime(monday.year, monday.month, monday.day, tzinfo=UTC)
