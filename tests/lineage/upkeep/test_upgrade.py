"""A database that an earlier version filled is brought to today's tables, and shows what today's version would show."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from tests.lineage.upkeep.test_maintain_backup import run
from tests.serving import OwnDatabase, own_database

DUMPS = sorted((Path(__file__).parent / "upgrades").glob("*.dump"))
# All that lists show of the runs of a connection.
SHOWN = """
SELECT json_agg(row_to_json(shown) ORDER BY shown.id) FROM (
    SELECT run.id, run.job_id, run.shown_state, run.shown_ended_at, run.is_hidden
    FROM lineage_run AS run JOIN connections_connection AS connection ON connection.id = run.connection_id
    WHERE connection.name = %s
) AS shown
"""
JOBS = """
SELECT json_agg(row_to_json(counted) ORDER BY counted.id) FROM (
    SELECT job.id, job.latest_run_id, job.latest_run_state, job.latest_run_ended_at, job.running_runs, job.is_hidden
    FROM lineage_job AS job JOIN connections_connection AS connection ON connection.id = job.connection_id
    WHERE connection.name = %s
) AS counted
"""


@pytest.fixture
def own() -> Iterator[OwnDatabase]:
    with own_database() as database:
        yield database


@pytest.mark.parametrize("dump", DUMPS, ids=lambda path: path.stem)
def test_a_filled_database_is_upgraded(own: OwnDatabase, dump: Path) -> None:
    with psycopg.connect(own.url, autocommit=True) as session:
        session.execute("CREATE DATABASE earlier")
    url = f"postgresql://postgres@/earlier?host={quote(str(own.cluster.directory))}"
    run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={url}", str(dump))
    earlier = OwnDatabase(url, own.cluster)
    earlier.manage("migrate")
    with psycopg.connect(url) as session:
        connections = [name for (name,) in session.execute("SELECT name FROM connections_connection").fetchall()]
        before = {name: states(session, name) for name in connections}
    # What lists show before it is settled is what the runs say themselves: a failure is never hidden.
    assert all("FAILED" in {run["shown_state"] for run in runs} for runs, _ in before.values())

    earlier.manage("maintain")

    with psycopg.connect(url) as session:
        assert session.execute("SELECT count(*) FROM lineage_mark").fetchone() == (0,)
        settled = {name: states(session, name) for name in connections}
    assert settled != before
    # Built from the stored events by today's version, they are the same, but for the receipts, which were not known.
    earlier.manage("rebuild_lineage")
    assert earlier.manage("rebuild_lineage").count("every row was right") == len(connections)
    with psycopg.connect(url) as session:
        assert {name: states(session, name) for name in connections} == settled


def states(session: "psycopg.Connection[tuple[Any, ...]]", connection: str) -> tuple[Any, Any]:
    found = []
    for question in (SHOWN, JOBS):
        [(rows,)] = session.execute(question, [connection]).fetchall()
        found.append(json.loads(rows) if isinstance(rows, str) else rows)
    return found[0], found[1]
