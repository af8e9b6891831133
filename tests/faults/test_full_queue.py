"""Requests wait while nothing can be committed, up to a limit of number and size.

Further requests are asked at once to try again. Waiting ones are stored when commits are possible.
"""

import selectors
import socket
from collections.abc import Callable, Iterator

import psycopg
import pytest

from lineage.intake.group.budget import MAX_HELD_BYTES_OF_CONNECTION
from lineage.intake.group.engine import MAX_WAITING_REQUESTS
from lineage.intake.group.waiting import COMMIT_SECONDS
from server.processes import raise_limit_of_open_files
from tests.faults.books import audit
from tests.faults.conftest import Product
from tests.faults.events import Sent, make_events
from tests.faults.load import Ledger, Target, load_at_once
from tests.faults.memory import MIB
from tests.serving import OwnDatabase
from tests.waiting import wait_until

# Seconds are counted.
pytestmark = pytest.mark.alone

TOO_MANY = 50
LARGE_BYTES = 15 * MIB
# What is sent at once, and how many of them are too many.
BOUNDS: dict[str, tuple[Callable[[], list[Sent]], int]] = {
    "count": (lambda: make_events(MAX_WAITING_REQUESTS + TOO_MANY), TOO_MANY),
    "size": (lambda: make_events(MAX_HELD_BYTES_OF_CONNECTION // LARGE_BYTES + 2, size=LARGE_BYTES), 2),
}


@pytest.fixture
def halted(database: OwnDatabase) -> Iterator[psycopg.Connection]:
    """A transaction that lets no event be stored until it ends."""
    with psycopg.connect(database.url) as session:
        session.execute("LOCK TABLE lineage_event IN EXCLUSIVE MODE")
        yield session
        session.rollback()


def answered(connections: list[socket.socket]) -> list[socket.socket]:
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ, connection)
        return [key.data for key, _ in selector.select(0)]


@pytest.mark.parametrize("bound", BOUNDS)
def test_what_is_too_much_is_refused_at_once(
    database: OwnDatabase, lone_worker: Product, lone_target: Target, halted: psycopg.Connection, bound: str
) -> None:
    make, refused = BOUNDS[bound]
    ledger = Ledger()
    raise_limit_of_open_files()
    with load_at_once(lone_target, ledger, make()) as connections:
        # Those that wait are asked to come again after COMMIT_SECONDS.
        wait_until(lambda: len(answered(connections)) >= refused, "some are refused", seconds=COMMIT_SECONDS)
        assert len(answered(connections)) == refused
        halted.rollback()
    assert ledger.answers == {201: len(connections) - refused, 503: refused}
    audit(database, lone_target.connection_id, ledger)


def test_a_connection_that_fills_its_share_leaves_room_for_others(
    database: OwnDatabase,
    lone_worker: Product,
    lone_target: Target,
    new_target: Callable[[int], Target],
    halted: psycopg.Connection,
) -> None:
    other, first, second = new_target(lone_worker.server.port), Ledger(), Ledger()
    fill = make_events(MAX_HELD_BYTES_OF_CONNECTION // LARGE_BYTES + 1, size=LARGE_BYTES)
    with load_at_once(lone_target, first, fill) as connections:
        wait_until(lambda: len(answered(connections)) == 1, "one is refused", seconds=COMMIT_SECONDS)
        with load_at_once(other, second, make_events(1, size=LARGE_BYTES)):
            halted.rollback()
    assert first.answers == {201: len(fill) - 1, 503: 1}
    assert second.answers == {201: 1}
    audit(database, other.connection_id, second)
