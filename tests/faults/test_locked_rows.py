"""A row is kept locked, for example by an operator in psql: only the events that need it wait. If the lock shows in no
row, only events of its connection wait."""

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest

from lineage.events.identity import job_id
from lineage.intake.group.waiting import COMMIT_SECONDS
from tests.faults.books import audit
from tests.faults.conftest import Product
from tests.faults.events import make_events
from tests.faults.load import ANSWER_SECONDS, Client, Ledger, Target, load
from tests.faults.scale import scaled, tell
from tests.serving import OwnDatabase

# Seconds are counted.
pytestmark = pytest.mark.alone

ROUNDS = scaled(2, 12)
EVENTS = 200


@contextmanager
def locked(database: OwnDatabase, table: str, connection_id: UUID) -> Iterator[None]:
    with psycopg.connect(database.url) as session:
        session.execute(f"SELECT FROM {table} WHERE connection_id = %s FOR UPDATE", [connection_id])
        yield
        session.rollback()


@pytest.mark.parametrize("table", ["lineage_job", "lineage_run"])
def test_events_of_other_rows_go_on(
    database: OwnDatabase, lone_worker: Product, lone_target: Target, new_target: Callable[[int], Target], table: str
) -> None:
    """All events come to one thread that commits, since the server is one process."""
    held, ledger, others = make_events(2, job="held"), Ledger(), Ledger()
    client = Client(lone_target, ledger)
    assert client.send(held[0]).answer == 201
    other = new_target(lone_worker.server.port)
    for _ in range(ROUNDS):
        free = make_events(2, job="free")
        with (
            locked(database, table, lone_target.connection_id),
            load(other, others, make_events(EVENTS, job="other"), clients=4),
        ):
            # Of the same connection: the first needs the row, the second does not.
            answers = [client.send(held[1]), client.send(free[0])]
        assert [exchange.answer for exchange in answers] == [503, 201]
        assert answers[0].ended - answers[0].began < ANSWER_SECONDS
        assert set(others.answers) == {201}
    assert client.send(held[1]).answer == 201
    client.close()
    took = sorted(exchange.ended - exchange.began for exchange in others.exchanges)
    tell(f"others, while {table} was locked: p99 {statistics.quantiles(took, n=100)[-1] * 1000:.0f} ms")
    for target, of in ((lone_target, ledger), (other, others)):
        audit(database, target.connection_id, of)


@contextmanager
def inserting_job(database: OwnDatabase, connection_id: UUID, name: str) -> Iterator[None]:
    """Inserts a job and does not commit it: nobody else sees its row, and a second INSERT of it waits."""
    with psycopg.connect(database.url) as session:
        session.execute(
            "INSERT INTO lineage_job (connection_id, id, namespace, name, kind, integration, processing_type) "
            "VALUES (%s, %s, 'namespace', %s, 'JOB', '', '')",
            [connection_id, job_id(connection_id, "namespace", name), name],
        )
        yield
        session.rollback()


def test_other_connections_go_on_beside_a_row_that_nobody_sees(
    database: OwnDatabase, lone_worker: Product, lone_target: Target, new_target: Callable[[int], Target]
) -> None:
    ledger, others = Ledger(), Ledger()
    other = new_target(lone_worker.server.port)
    with load(other, others, make_events(2, job="first"), clients=1):
        pass
    for number in range(ROUNDS):
        held, free = make_events(2, job=f"held{number}"), make_events(2, job=f"free{number}")
        client = Client(lone_target, ledger)
        with (
            inserting_job(database, lone_target.connection_id, held[0].job),
            load(other, others, make_events(EVENTS, job="other"), clients=4),
        ):
            answers = [client.send(held[0]), client.send(free[0])]
        assert [exchange.answer for exchange in answers] == [503, 201]
        assert answers[0].ended - answers[0].began < ANSWER_SECONDS
        assert client.send(held[0]).answer == 201
        client.close()
    assert set(others.answers) == {201}
    took = sorted(exchange.ended - exchange.began for exchange in others.exchanges)
    tell(f"other connections: p99 {statistics.quantiles(took, n=100)[-1] * 1000:.0f} ms")
    assert took[-1] < COMMIT_SECONDS / 2
    for target, of in ((lone_target, ledger), (other, others)):
        audit(database, target.connection_id, of)
