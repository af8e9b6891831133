"""Two web nodes on one PostgreSQL: what is done at one holds at the other, and one that dies loses nothing."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import requests

from tests.faults.books import audit
from tests.faults.events import make_events
from tests.faults.load import Ledger, Target, load
from tests.faults.person import Person
from tests.faults.scale import scaled
from tests.serving import LiveServer, OwnDatabase, serve
from tests.waiting import wait_until

# Seconds are counted.
pytestmark = pytest.mark.alone

# Seconds in which a node notices what was done at the other.
NOTICED_WITHIN = 2.0
EVENTS = scaled(300, 20_000)
# A network of its own, where the node reaches nothing but the database's Unix socket: the listening socket that it is
# given belongs to the test's network. Where the system forbids that, the nodes share the test's network.
_OWN_NETWORK = ("unshare", "--net", "--map-root-user") if os.getuid() else ("unshare", "--net")


def _own_network() -> tuple[str, ...]:
    if shutil.which("unshare") and subprocess.run([*_OWN_NETWORK, "true"], check=False).returncode == 0:
        return _OWN_NETWORK
    return ()


@pytest.fixture
def nodes(database: OwnDatabase, tmp_path: Path) -> Iterator[list[LiveServer]]:
    settings = {"DJANGO_SETTINGS_MODULE": "tests.serving_settings"}
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                serve(database.url, tmp_path / name, workers=1, environment=settings, within=_own_network())
            )
            for name in ("one.txt", "other.txt")
        ]


def _send(node: LiveServer, target: Target) -> int:
    [event] = make_events(1)
    headers = {"Authorization": f"Bearer {target.key}"}
    return requests.post(node.url + target.path, event.body, headers=headers, timeout=10).status_code


def test_what_is_done_at_one_holds_at_the_other(
    nodes: list[LiveServer], database: OwnDatabase, new_target: Callable[[int], Target]
) -> None:
    one, other = nodes
    target = new_target(one.port)
    person = Person(database, one.url)
    there = person.at(other.url)
    assert [_send(one, target), _send(other, target)] == [201, 201]  # both remember the key
    runs = f"/runs?connection={target.connection_id}"
    seen = there.read(runs).text
    assert _send(one, target) == 201
    wait_until(lambda: there.read(runs).text != seen, "the run is shown at the other node", seconds=NOTICED_WITHIN)

    delete = re.search(r"/connections/\S+/delete", person.read(f"/connections/{target.connection_id}/settings").text)
    assert delete
    person.submit(delete[0].rstrip('"'))
    wait_until(lambda: _send(other, target) == 401, "the other node refuses the key", seconds=NOTICED_WITHIN)

    person.submit("/sign-out")
    wait_until(
        lambda: "/sign-in" in there.read("/jobs").url, "the session has ended at the other node", seconds=NOTICED_WITHIN
    )


def test_a_node_that_dies_loses_nothing(
    nodes: list[LiveServer], database: OwnDatabase, new_target: Callable[[int], Target]
) -> None:
    one, other = nodes
    target, ledger = replace(new_target(one.port), other_port=other.port), Ledger()
    with load(target, ledger, make_events(EVENTS), clients=8):
        ledger.wait_for_acknowledged(EVENTS // 3)
        for process in [psutil.Process(one.process.pid), *one.workers]:
            process.kill()
    assert ledger.failures, "nothing was under way at the node that died"
    audit(database, target.connection_id, ledger)
