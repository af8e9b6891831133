"""1,000 keys that come at once to a process which remembers none of them, and a key among wrong ones."""

import json
from uuid import UUID

import pytest

from connections.keys import _checksum, new_key
from tests.faults.books import audit
from tests.faults.conftest import Product
from tests.faults.events import make_events
from tests.faults.load import Exchange, Ledger, Target, load_at_once
from tests.faults.scale import tell
from tests.serving import OwnDatabase

# Seconds are counted.
pytestmark = pytest.mark.alone

KEYS = 1_000
SECONDS = 5.0
_ADD_KEYS = """
import json
from django.utils import timezone
from connections import actions
from connections.models import Connection
connection = Connection.objects.get(id={id!r})
make = lambda n: actions.create_api_key(connection=connection, name=f"key {{n}}", created_by=None, now=timezone.now())
print(json.dumps([make(number).text for number in range({count})]))
"""


def more_keys(database: OwnDatabase, connection_id: UUID, count: int) -> list[str]:
    command = _ADD_KEYS.format(id=str(connection_id), count=count)
    keys: list[str] = json.loads(database.manage("shell", "--no-imports", "--command", command).splitlines()[-1])
    return keys


def wrong(key: str) -> str:
    """Make a well-formed key with the lookup part of this one, and another secret."""
    body = f"obs_{key.split('_')[1]}_{new_key().secret}"
    return f"{body}_{_checksum(body)}"


@pytest.mark.parametrize("attacked", [False, True], ids=["alone", "among wrong ones"])
def test_they_are_served_in_time(
    database: OwnDatabase, lone_worker: Product, lone_target: Target, attacked: bool
) -> None:
    keys = more_keys(database, lone_target.connection_id, KEYS // 2 if attacked else KEYS)
    wrong_keys = [wrong(keys[0]) for _ in range(KEYS - len(keys))]
    ledger = Ledger()

    with load_at_once(lone_target, ledger, make_events(KEYS), keys=[*wrong_keys, *keys]):
        pass

    by_event: list[Exchange] = ledger.exchanges
    tell(f"the last answer came after {max(one.ended - one.began for one in by_event):.1f} s: {ledger.answers}")
    assert {one.answer for one in by_event[: len(wrong_keys)]} <= {401, 503}
    assert {one.answer for one in by_event[len(wrong_keys) :]} == {201}
    assert max(one.ended - one.began for one in by_event) <= SECONDS
    audit(database, lone_target.connection_id, ledger)
