"""SIGTERM and rolling restarts while events arrive: who was let in is answered, and nobody hears a final no."""

import random
import signal

import psutil
import pytest

from tests.faults.books import audit
from tests.faults.conftest import STOP_SECONDS, Product
from tests.faults.events import make_events
from tests.faults.load import Ledger, Target, load
from tests.faults.scale import scaled
from tests.serving import OwnDatabase
from tests.waiting import wait_until

# Seconds are counted: those until a server that starts again has answered.
pytestmark = pytest.mark.alone

ROUNDS = scaled(2, 50)
EVENTS = 1000


def await_other_workers(product: Product, before: list[psutil.Process]) -> None:
    wait_until(lambda: not {*product.workers} & {*before}, "no old worker is left")


def test_a_rolling_restart(database: OwnDatabase, product: Product, target: Target, rng: random.Random) -> None:
    """HUP replaces all workers: not even a connection that is kept open between requests breaks."""
    ledger = Ledger()
    for _ in range(ROUNDS):
        before = product.workers
        with load(target, ledger, make_events(EVENTS)):
            ledger.wait_for_acknowledged(rng.randrange(EVENTS // 10, EVENTS // 2))
            product.master.send_signal(signal.SIGHUP)
            await_other_workers(product, before)
        assert ledger.answers.keys() == {201}
    audit(database, target.connection_id, ledger)


def test_a_stop(database: OwnDatabase, product: Product, target: Target, rng: random.Random) -> None:
    """SIGTERM: requests that were read are answered. Until it is started again senders cannot connect, or their
    connection ends before an answer: upon either they try again."""
    ledger = Ledger()
    for _ in range(ROUNDS):
        with load(target, ledger, make_events(EVENTS)):
            ledger.wait_for_acknowledged(rng.randrange(EVENTS // 10, EVENTS // 2))
            workers = product.workers
            product.master.terminate()
            product.await_end()
            assert not psutil.wait_procs(workers, STOP_SECONDS)[1]
            product.start_again()
        assert ledger.answers.keys() <= {201, "ConnectionRefusedError", "ConnectionResetError"}
    audit(database, target.connection_id, ledger)
