"""PostgreSQL restarts or ends sessions while events arrive: senders are asked to try again, and soon succeed."""

import random
import signal
import time
from collections.abc import Callable

import psycopg
import pytest

from tests.faults.books import audit, audit_by_rebuilding
from tests.faults.conftest import Product
from tests.faults.events import make_events
from tests.faults.load import Ledger, Target, load
from tests.faults.scale import scaled, tell
from tests.serving import OwnDatabase

# Seconds are counted.
pytestmark = pytest.mark.alone

ROUNDS = scaled(1, 50)
EVENTS = 1000
CLIENTS = 16
# A sender's whole patience is 9 s.
RECOVERY_SECONDS = 7.0
TERMINATIONS = 5

_OTHERS = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"

# Returns the time from which the product has RECOVERY_SECONDS.
Fault = Callable[[OwnDatabase, Ledger], float]


def restart_fast(database: OwnDatabase, _: Ledger) -> float:
    began = time.monotonic()
    database.restart(signal.SIGINT)
    return began


def restart_immediate(database: OwnDatabase, _: Ledger) -> float:
    began = time.monotonic()
    database.restart(signal.SIGQUIT)
    return began


def terminate_backends(database: OwnDatabase, ledger: Ledger) -> float:
    began = time.monotonic()
    with psycopg.connect(database.url, autocommit=True) as session:
        for _ in range(TERMINATIONS):
            assert session.execute(f"SELECT pg_terminate_backend(pid) {_OTHERS}").fetchall()
            ledger.wait_for_acknowledged(CLIENTS)
    return began


def stay_away_until_some_are_refused_again(database: OwnDatabase, ledger: Ledger) -> float:
    database.stop()
    try:
        goal = ledger.answers[503] + CLIENTS + 1
        ledger.wait_for(lambda ledger: ledger.answers[503] >= goal)
    finally:
        database.start()
    return time.monotonic()


FAULTS: dict[str, Fault] = {
    "restart -m fast": restart_fast,
    "restart -m immediate": restart_immediate,
    "pg_terminate_backend": terminate_backends,
    "away for a while": stay_away_until_some_are_refused_again,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_database(database: OwnDatabase, product: Product, target: Target, rng: random.Random, fault: str) -> None:
    """Every failure is a 503, no acknowledged event is lost, and no process of the product is restarted."""
    ledger = Ledger()
    workers = product.workers
    for _ in range(ROUNDS):
        with load(target, ledger, make_events(EVENTS), clients=CLIENTS):
            ledger.wait_for_acknowledged(rng.randrange(EVENTS // 10, EVENTS // 2))
            began = FAULTS[fault](database, ledger)

        assert ledger.answers.keys() <= {200, 201, 503}
        last_refusal = max((exchange.ended for exchange in ledger.failures), default=began)
        tell(f"recovered in {max(last_refusal - began, 0):.1f} s; {dict(ledger.answers)}")
        assert last_refusal - began <= RECOVERY_SECONDS
    assert product.workers == workers
    audit(database, target.connection_id, ledger)
    audit_by_rebuilding(database, target.connection_id)
