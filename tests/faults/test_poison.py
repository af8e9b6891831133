"""The database can never store one of 500 concurrent events: only that one fails."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.faults.books import audit
from tests.faults.conftest import Product
from tests.faults.events import make_events
from tests.faults.load import Ledger, Target, load_at_once
from tests.serving import OwnDatabase

NEIGHBOURS = 499


@pytest.fixture
def poison(database: OwnDatabase) -> Iterator[str]:
    """The name of a job that the database refuses, as it would any value that decoding let through."""
    table = "ALTER TABLE lineage_job"
    with psycopg.connect(database.url, autocommit=True) as session:
        session.execute(f"{table} ADD CONSTRAINT no_poison CHECK (name NOT LIKE 'poison%') NOT VALID")
        yield "poison"
        session.execute(f"{table} DROP CONSTRAINT no_poison")


def test_its_neighbours_are_stored(database: OwnDatabase, product: Product, target: Target, poison: str) -> None:
    ledger = Ledger()
    good, [bad] = make_events(NEIGHBOURS), make_events(1, job=poison)
    half = NEIGHBOURS // 2
    with psycopg.connect(database.url) as session:
        # While it is held nothing is committed: all gather, and are then committed together.
        session.execute("LOCK TABLE lineage_job IN EXCLUSIVE MODE")
        with load_at_once(target, ledger, [*good[:half], bad, *good[half:]]):
            session.rollback()

    refused = [(exchange.event, exchange.answer) for exchange in ledger.failures]
    assert refused == [(bad, 422)]
    assert ledger.acknowledged == {event.id for event in good}
    audit(database, target.connection_id, ledger)
