"""50 senders send one event at one moment: one row is stored, and one response says that it was new."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.faults.books import audit
from tests.faults.conftest import Product
from tests.faults.events import Sent, make_events
from tests.faults.load import PATIENCE_SECONDS, Client, Ledger, Target
from tests.faults.scale import scaled
from tests.serving import OwnDatabase

THREADS = 50
EVENTS = scaled(20, 2000)


def test_one_of_50_is_new(database: OwnDatabase, product: Product, target: Target) -> None:
    ledger = Ledger()
    barrier = threading.Barrier(THREADS)
    events = make_events(EVENTS)

    def send_all(_thread: int) -> None:
        client = Client(target, ledger)
        for event in events:
            barrier.wait(PATIENCE_SECONDS)
            client.send(event)
        client.close()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(send_all, range(THREADS)))

    def answers(event: Sent) -> Counter[int | str]:
        return Counter(exchange.answer for exchange in ledger.exchanges if exchange.event is event)

    for event in events:
        assert answers(event) == {201: 1, 200: THREADS - 1}
    audit(database, target.connection_id, ledger)
