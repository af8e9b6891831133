"""A connection whose events go straight to digest."""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection as database

from connections.models import ApiKey, Connection
from lineage.digest.digest import Receipt, Submission, digest, forget_written
from lineage.events import decode_event
from lineage.models import (
    Alias,
    Change,
    Check,
    Content,
    Dataset,
    Edge,
    Event,
    Extraction,
    Fact,
    Job,
    Measure,
    Relation,
    Run,
    Transition,
)
from lineage.states.settle import settle

# After all events of the samples.
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
# A person who is signed in, and sees every connection.
READER = User(username="reader")
STORED = (
    Event,
    Job,
    Run,
    Dataset,
    Edge,
    Transition,
    Content,
    Fact,
    Alias,
    Change,
    Measure,
    Check,
    Relation,
    Extraction,
)


@dataclass
class Sender:
    connection: Connection
    key: ApiKey

    def submission(self, bodies: Iterable[bytes]) -> Submission:
        return Submission(self.key.voucher, [decode_event(body) for body in bodies])

    def send(self, *bodies: bytes, now: datetime = NOW) -> Receipt:
        """All in one transaction, and settled."""
        [receipt] = digest([self.submission(bodies)], now=now)
        settle(self.connection.id, now=now)
        return receipt


def make_sender() -> Sender:
    unique = uuid.uuid4().hex
    connection = Connection.objects.create(name=unique, type="openlineage", created_at=NOW)
    key = ApiKey.objects.create(connection=connection, name="key", lookup=unique, created_at=NOW)
    return Sender(connection, key)


@pytest.fixture
def soon_after() -> Iterator[None]:
    """The events that tests make were just sent: a day later, what runs is lost."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def new_sender(db: None) -> Callable[[], Sender]:
    return make_sender


@pytest.fixture
def sender(new_sender: Callable[[], Sender]) -> Sender:
    return new_sender()


@pytest.fixture
def fresh_tables(db: None) -> None:
    """Empty tables without the rows that earlier tests left dead.

    TRUNCATE also removes what autovacuum noted (see tests/embedded_database.py), and keeps it away during this test:
    for tests on a server that DATABASE_URL names.
    """
    tables = ", ".join(model._meta.db_table for model in STORED)
    with database.cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables}")
    forget_written()
