"""The disk of the database runs full while events arrive: senders are asked to come again, people read on, and both
are served as before soon after there is room again."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
import pytest

from tests.faults.books import audit
from tests.faults.conftest import Product
from tests.faults.events import make_events
from tests.faults.load import Ledger, Target, load
from tests.faults.person import Person
from tests.faults.scale import scaled, tell
from tests.faults.small_disk import MIB, SmallDisk, small_disk
from tests.serving import OwnDatabase, database_in
from tests.waiting import wait_until

# Seconds are counted.
pytestmark = pytest.mark.alone

DISK_BYTES = scaled(256 * MIB, 2048 * MIB)
ROUNDS = scaled(1, 20)
# More of them than there is room for in the pages that tables already have.
EVENTS = 1_000
EVENT_BYTES = 16 * 1024
LEFT_BYTES = 48 * MIB
CLIENTS = 16
RECOVERY_SECONDS = 10.0


@dataclass
class Site:
    """A product whose database, the write-ahead log included, is on a disk that can be filled; and who uses it."""

    disk: SmallDisk
    database: OwnDatabase
    product: Product
    target: Target
    person: Person
    # Of all tests: they send to one connection.
    ledger: Ledger = field(default_factory=Ledger)

    def await_refusals(self) -> None:
        """Wait for so many refusals that clients must have been refused twice."""
        goal = self.ledger.answers[503] + CLIENTS + 1
        self.ledger.wait_for(lambda ledger: ledger.answers[503] >= goal)

    def read(self, page: str, *, under: str = "") -> int:
        """The status of a page of the connection."""
        return self.person.read(f"{under}/connections/{self.target.connection_id}{page}").status_code

    def check(self, served_again: float) -> None:
        recovery = max(exchange.ended for exchange in self.ledger.failures) - served_again
        tell(f"the last refusal came {recovery:.1f} s after the fault ended; {dict(self.ledger.answers)}")
        assert recovery <= RECOVERY_SECONDS
        assert self.ledger.answers.keys() <= {200, 201, 503}


@pytest.fixture(scope="module")
def disk() -> Iterator[SmallDisk]:
    with small_disk(DISK_BYTES) as disk:
        yield disk


@pytest.fixture(scope="module")
def site(disk: SmallDisk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with database_in(disk.directory) as database:
        product = Product(database, tmp_path_factory.mktemp("product") / "log.txt")
        person = Person(database, product.server.url)
        yield Site(disk, database, product, Target(product.server.port, *database.add_sender()), person)
        product.stop()


def test_senders_wait_and_people_read_on(site: Site) -> None:
    workers = site.product.workers
    for _ in range(ROUNDS):
        # Else the disk would take longer to fill than the events to arrive.
        site.disk.fill(leaving=LEFT_BYTES)
        with load(site.target, site.ledger, make_events(EVENTS, size=EVENT_BYTES), clients=CLIENTS):
            site.ledger.wait_for_acknowledged(EVENTS // 10)
            begin_another_file_of_the_log(site.database)
            site.disk.fill()
            try:
                site.await_refusals()
                assert site.read("") == site.read("/settings") == site.read("/jobs", under="/api/v1") == 200
                site.await_refusals()
            finally:
                site.disk.free()
            there_is_room = time.monotonic()
        site.check(there_is_room)
    assert site.product.workers == workers
    audit(site.database, site.target.connection_id, site.ledger)


def test_postgresql_gives_up(site: Site) -> None:
    """PostgreSQL ends if its write-ahead log finds no room either, and its supervisor starts it again."""
    workers = site.product.workers
    site.disk.fill(leaving=LEFT_BYTES)
    with load(site.target, site.ledger, make_events(EVENTS, size=EVENT_BYTES), clients=CLIENTS):
        site.ledger.wait_for_acknowledged(EVENTS // 10)
        site.disk.fill()
        try:
            with pytest.raises(psycopg.OperationalError):
                use_up_all_files_of_the_log(site.database)
            wait_until(lambda: site.database.cluster.postmaster() is None, "PostgreSQL gave up")
            site.await_refusals()
            assert site.read("") == 503
        finally:
            site.disk.free()
        site.database.start()
        is_back = time.monotonic()
    site.check(is_back)
    assert site.product.workers == workers
    audit(site.database, site.target.connection_id, site.ledger)


def begin_another_file_of_the_log(database: OwnDatabase) -> None:
    """Begin a log file, which has room for 16 MiB of changes, however full the disk is."""
    with psycopg.connect(database.url, autocommit=True) as session:
        session.execute("SELECT pg_logical_emit_message(true, 'test', 'something to log'), pg_switch_wal()")


def use_up_all_files_of_the_log(database: OwnDatabase) -> None:
    while True:
        begin_another_file_of_the_log(database)
