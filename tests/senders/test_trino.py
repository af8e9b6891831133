"""Observatory compared with Trino's own record: real queries, their states and times, and lineage of their tables."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.utils import timezone

from bench.marquez import free_port
from people.tokens import create_api_token
from tests.live_server import Sender, wait_until_settled
from tests.senders.spark_shown import read_runs
from tests.senders.trino import JAVA, Trino, java, running_trino
from tests.serving import LiveServer
from tests.waiting import wait_until

ORDERS = """
CREATE TABLE memory.default.orders AS
SELECT * FROM (VALUES (1, DATE '2026-11-29', 5.0), (2, DATE '2026-11-30', 7.0)) AS given (id, day, amount)
"""
DAILY = """
CREATE TABLE memory.default.daily AS SELECT day, sum(amount) AS total FROM memory.default.orders GROUP BY day
"""
FAILING = "INSERT INTO memory.default.daily SELECT day, amount / 0 FROM memory.default.orders"
RECORD = """SELECT query_id, state, to_iso8601(created), to_iso8601("end") FROM system.runtime.queries"""


@pytest.fixture
def trino(server: LiveServer, sender: Sender, tmp_path: Path) -> Iterator[Trino]:
    program = java()
    if program is None:
        pytest.skip(f"Trino needs Java {JAVA} or newer: set JAVA_HOME")
    url = server.endpoint(sender.connection.id)
    with running_trino(tmp_path, program, port=free_port(), url=url, key=sender.key) as trino:
        yield trino


def test_queries_are_shown_as_trino_records_them(server: LiveServer, sender: Sender, trino: Trino) -> None:
    token = create_api_token(user=User.objects.create_user("ada"), name="token", now=timezone.now()).text
    orders, daily, failing = (trino.run(statement) for statement in (ORDERS, DAILY, FAILING))
    assert (orders.rows, daily.error, failing.error) == ([[2]], "", "Division by zero")

    def shown() -> dict[str, Any]:
        runs = read_runs(server.url, sender.connection.id, token)
        return {run.job: (run.state, run.start, run.end, run.error) for run in runs}

    # The listener sends after the client has its answer.
    wait_until(lambda: [state for state, *_ in shown().values()].count("RUNNING") == 0 and len(shown()) == 3)
    states = {"FINISHED": "COMPLETED", "FAILED": "FAILED"}
    errors = {failing.id: failing.error}
    recorded = {
        id_: (states[state], datetime.fromisoformat(began), datetime.fromisoformat(ended), errors.get(id_, ""))
        for id_, state, began, ended in trino.run(RECORD).rows
        if id_ in (orders.id, daily.id, failing.id)
    }
    assert shown() == recorded

    wait_until_settled()
    answer = requests.get(
        f"{server.url}/api/v1/lineage",
        {"node": f"dataset:{trino.namespace}:memory.default.orders", "columns": "true"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    ).json()
    names = {one["id"]: one["name"] for one in answer["nodes"]}
    [line] = [one for one in answer["edges"] if names[one["from"]] == "memory.default.orders"]
    assert names[line["to"]] == "memory.default.daily"
    assert line["evidence"] == "columns"
    assert {(one["from"], one["to"]) for one in line["columns"]} == {("day", "day"), ("amount", "total")}
