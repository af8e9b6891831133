"""A key that is deleted while 64 clients use it: from the answer to that on, no process accepts it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psutil
import psycopg
import pytest

from tests.faults.books import audit
from tests.faults.conftest import Product
from tests.faults.events import make_events
from tests.faults.load import Client, Ledger, Target
from tests.faults.person import Person
from tests.faults.scale import scaled
from tests.serving import OwnDatabase
from tests.waiting import wait_until

WORKERS = scaled(2, 4)
CLIENTS = 64
TRIES = scaled(1_000, 20_000)


@pytest.fixture
def many_workers(database: OwnDatabase, tmp_path: Path) -> Iterator[Product]:
    product = Product(database, tmp_path / "log.txt", workers=WORKERS)
    yield product
    product.stop()


@contextmanager
def endless_load(target: Target, ledger: Ledger) -> Iterator[None]:
    """Send with 64 clients, each with one connection, whatever the responses are, until the block ends."""
    ended = threading.Event()

    def send() -> None:
        client = Client(target, ledger)
        while not ended.is_set():
            client.send(*make_events(1))
        client.close()

    threads = [threading.Thread(target=send) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def serve_somebody(workers: list[psutil.Process]) -> bool:
    """Tell whether each worker has clients of its own."""
    return all(any(c.status == psutil.CONN_ESTABLISHED for c in worker.net_connections("tcp")) for worker in workers)


def key_page(database: OwnDatabase, target: Target) -> str:
    with psycopg.connect(database.url) as session:
        found = session.execute("SELECT id FROM connections_apikey WHERE connection_id = %s", [target.connection_id])
        [(key_id,)] = found.fetchall()
    return f"/connections/{target.connection_id}/keys/{key_id}/delete"


def test_no_process_accepts_it(
    database: OwnDatabase, many_workers: Product, new_target: Callable[[int], Target]
) -> None:
    target = new_target(many_workers.server.port)
    person = Person(database, many_workers.server.url)
    ledger = Ledger()
    with endless_load(target, ledger):
        # On connections that stay open: so each process has accepted the key, and meets it again.
        ledger.wait_for(lambda ledger: ledger.answers[201] >= 10 * CLIENTS)
        wait_until(lambda: serve_somebody(many_workers.workers), "each process has clients")
        person.submit(key_page(database, target))
        deleted = time.monotonic()
        # And one for each client that was under way.
        enough = len(ledger.exchanges) + TRIES + CLIENTS
        ledger.wait_for(lambda ledger: len(ledger.exchanges) >= enough)
        assert serve_somebody(many_workers.workers)
    tries = [exchange for exchange in ledger.exchanges if exchange.began > deleted]
    assert len(tries) >= TRIES
    assert {exchange.answer for exchange in tries} == {401}
    assert ledger.answers.keys() == {201, 401}
    audit(database, target.connection_id, ledger)
    assert not {exchange.event.id for exchange in tries} & stored(database, target)


def stored(database: OwnDatabase, target: Target) -> set[UUID]:
    with psycopg.connect(database.url) as session:
        rows = session.execute("SELECT id FROM lineage_event WHERE connection_id = %s", [target.connection_id])
        return {id_ for (id_,) in rows}
