"""kill -9 of a worker and of the master while events arrive: nothing acknowledged is lost, nothing is counted twice."""

import random
import socket
from pathlib import Path

import psutil

from tests.faults.books import audit
from tests.faults.conftest import STOP_SECONDS, Product
from tests.faults.events import make_events
from tests.faults.load import Ledger, Target, load
from tests.faults.scale import scaled, tell
from tests.faults.waiting import wait_until
from tests.serving import OwnDatabase

ROUNDS = scaled(5, 300)
EVENTS = scaled(1000, 500)
STARTS = scaled(3, 50)
# What a sender meets whose server is killed, and tries again upon.
CUT_OFF = {"ConnectionResetError", "ConnectionRefusedError", "RemoteDisconnected", "BrokenPipeError"}


def test_a_worker(database: OwnDatabase, product: Product, target: Target, rng: random.Random) -> None:
    ledger = Ledger()
    for _ in range(ROUNDS):
        with load(target, ledger, make_events(EVENTS)):
            ledger.wait_for_acknowledged(rng.randrange(EVENTS // 10, EVENTS * 9 // 10))
            rng.choice(product.workers).kill()

    assert ledger.answers.keys() <= {200, 201} | CUT_OFF
    assert len(product.workers) == 2
    tell(f"{ROUNDS} kills: {dict(ledger.answers)}")
    audit(database, target.connection_id, ledger)


def test_the_master(database: OwnDatabase, product: Product, target: Target, rng: random.Random) -> None:
    """Its workers end with it, having answered what they had; then a supervisor starts it again."""
    ledger = Ledger()
    for _ in range(ROUNDS):
        with load(target, ledger, make_events(EVENTS)):
            ledger.wait_for_acknowledged(rng.randrange(EVENTS // 10, EVENTS * 9 // 10))
            orphans = product.workers
            product.master.kill()
            product.await_end()
            product.start_again()

        assert not psutil.wait_procs(orphans, STOP_SECONDS)[1]
    assert ledger.answers.keys() <= {200, 201} | CUT_OFF
    tell(f"{ROUNDS} kills: {dict(ledger.answers)}")
    audit(database, target.connection_id, ledger)


def test_a_master_that_forks(database: OwnDatabase, tmp_path: Path) -> None:
    """Workers that have just begun to exist end with it, too: one that stays keeps the port, and nobody replaces it."""
    for _ in range(STARTS):
        product = Product(database, tmp_path / "log.txt", arguments=("--workers", "16"))
        master = product.master
        workers = master.children()
        # At once: a moment later the youngest has asked the kernel for its signal.
        while master.children() == workers:
            pass
        master.kill()
        product.await_end()
        wait_until(lambda port=product.server.port: is_free(port), "nobody listens any more")
        product.stop()


def is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
