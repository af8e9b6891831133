"""kill -9 of a worker and of the master while events arrive: nothing acknowledged is lost, nothing is counted twice."""

import random

import psutil
import pytest

from tests.faults.books import audit, audit_by_rebuilding
from tests.faults.conftest import STOP_SECONDS, Product
from tests.faults.events import make_events
from tests.faults.load import Ledger, Target, load
from tests.faults.scale import scaled, tell
from tests.serving import OwnDatabase

# Seconds are counted: those until a server that starts again has answered.
pytestmark = pytest.mark.alone

ROUNDS = scaled(3, 300)
EVENTS = 500
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
    audit_by_rebuilding(database, target.connection_id)


def test_the_master(database: OwnDatabase, product: Product, target: Target, rng: random.Random) -> None:
    """The master's workers end with it, after answering their requests; then a supervisor starts it again."""
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
    audit_by_rebuilding(database, target.connection_id)
