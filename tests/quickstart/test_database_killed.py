"""`make run` watches its PostgreSQL: whatever ends the server, it runs again, with all acknowledged events."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from uuid import UUID

import psutil
import psycopg
import pytest

from quickstart.data_directory import DataDirectory
from quickstart.postgres import Cluster
from tests.faults.books import audit
from tests.faults.events import make_events
from tests.faults.load import Ledger, Target, load
from tests.faults.scale import tell
from tests.quickstart.conftest import QuickStart
from tests.serving import OwnDatabase
from tests.waiting import wait_until

pytestmark = pytest.mark.alone

EVENTS = 600
RECOVERY_SECONDS = 10.0
# A session that computes does not notice that its server died, and keeps the server's shared memory.
ENDLESS = b"DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$"


@pytest.fixture
def cluster(data: DataDirectory) -> Cluster:
    return Cluster(data.postgres, data.log)


@pytest.fixture
def served(quick_start: Callable[..., QuickStart]) -> QuickStart:
    started = quick_start()
    started.wait_until_ready()
    return started


@pytest.fixture
def target(served: QuickStart, manage: Callable[..., "subprocess.CompletedProcess[str]"]) -> Target:
    made = json.loads(manage("create_connection", "Warehouse", "--type", "openlineage", "--json").stdout)
    key = json.loads(manage("create_api_key", made["id"], "laptop", "--json").stdout)["key"]
    return Target(served.port, UUID(made["id"]), key)


def postmaster_of(cluster: Cluster) -> psutil.Process:
    postmaster = cluster.postmaster()
    assert postmaster, "the database is stopped"
    return postmaster


def test_the_killed_server_runs_again_and_no_acknowledged_event_is_lost(
    served: QuickStart, cluster: Cluster, target: Target
) -> None:
    """SIGTERM lets open sessions go on, and refuses new ones: with the product's pool that would last for ever."""
    ledger = Ledger()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with closing(psycopg.connect(cluster.url)) as session, load(target, ledger, make_events(EVENTS)):
            ledger.wait_for_acknowledged(EVENTS // 4)
            session.pgconn.send_query(ENDLESS)
            killed = postmaster_of(cluster)
            began = time.monotonic()
            killed.send_signal(number)
            wait_until(lambda: cluster.postmaster() not in {None, killed} and served.is_ready(), "it is ready")  # noqa: B023
            seconds = time.monotonic() - began

        last_refusal = max((exchange.ended for exchange in ledger.failures), default=began)
        tell(f"{number.name}: ready in {seconds:.1f} s, last refusal after {last_refusal - began:.1f} s")
        assert max(seconds, last_refusal - began) <= RECOVERY_SECONDS, number.name
    assert ledger.answers.keys() <= {200, 201, 503}
    audit(OwnDatabase(cluster.url, cluster), target.connection_id, ledger)
