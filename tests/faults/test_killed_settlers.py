"""Processes that are killed with SIGKILL between the digest's commit and the settling: no mark is lost."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence

import psycopg
import pytest
from django.db import connection as database

from lineage.states.deadlines import settle_all
from tests.faults.scale import scaled
from tests.lineage.commands import ROOT
from tests.lineage.conftest import NOW, Sender, make_sender
from tests.lineage.digest.test_any_order import forget
from tests.lineage.states.test_settle import TRIED_AND_REPORTED, families_with, marks, quiet, swept

KILLS_OF_ROUND = 10


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("part", range(scaled(1, 10)))
def test_marks_outlive_the_processes_that_should_have_settled_them(part: int) -> None:
    """10 kills each, with the events of one family in any order; `maintain` settles what the last process left."""
    chance, sender = random.Random(part), make_sender()
    largest = sorted(families_with(chance.choice(["airflow", "dbt_run"])), key=len)[-6:]
    bodies = [*TRIED_AND_REPORTED, *chance.choice(largest)]
    expected = quiet(sender, bodies)
    killed = 0
    while killed < KILLS_OF_ROUND:
        forget(sender)
        chance.shuffle(bodies)
        killed += kill_settlers(sender, bodies, chance)
        settle_all(now=NOW)
        assert marks(sender) == 0
        assert swept(sender) == expected


def kill_settlers(sender: Sender, bodies: Sequence[bytes], chance: random.Random) -> int:
    """Has processes digest and settle all bodies. Returns how many were killed between the two."""
    asked = {
        "connection_id": str(sender.connection.id),
        "key_id": str(sender.key.id),
        "bodies": [body.decode() for body in bodies],
        "seed": chance.random(),
        "kills": KILLS_OF_ROUND,
    }
    url = psycopg.conninfo.make_conninfo(os.environ["DATABASE_URL"], dbname=database.settings_dict["NAME"])
    command = [sys.executable, "-m", "tests.faults.settler_to_kill"]
    done = subprocess.run(
        command,
        check=False,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    killed: int = json.loads(done.stdout)["killed"]
    return killed
