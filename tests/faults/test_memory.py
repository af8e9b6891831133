"""Peak memory of a process while 64 clients send events of the usual size."""

from tests.faults.books import audit
from tests.faults.conftest import Product
from tests.faults.events import make_events
from tests.faults.load import Ledger, Target, load
from tests.faults.memory import MIB, forget_peak, peak
from tests.faults.scale import scaled, tell
from tests.serving import OwnDatabase

EVENTS = scaled(3_000, 200_000)
CLIENTS = 64
EVENT_BYTES = 5_500
PEAK = 200 * MIB


def test_64_clients(database: OwnDatabase, lone_worker: Product, lone_target: Target) -> None:
    [worker] = lone_worker.workers
    forget_peak(worker)
    ledger = Ledger()
    with load(lone_target, ledger, make_events(EVENTS, size=EVENT_BYTES), clients=CLIENTS):
        pass
    tell(f"a peak of {peak(worker) / MIB:.0f} MiB; the master {peak(lone_worker.master) / MIB:.0f} MiB")
    assert peak(worker) <= PEAK
    assert peak(lone_worker.master) <= PEAK
    assert ledger.answers.keys() == {201}
    audit(database, lone_target.connection_id, ledger)
