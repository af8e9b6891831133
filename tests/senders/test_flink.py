"""Observatory compared with Flink's own record: jobs of a session cluster, their states, times and tables."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from django.contrib.auth.models import User
from django.utils import timezone

from bench.marquez import free_port
from people.tokens import create_api_token
from tests.live_server import Sender
from tests.senders.flink import Flink, running_flink
from tests.senders.spark_shown import ShownRun, read_runs
from tests.serving import LiveServer
from tests.waiting import wait_until
from web.guides.values import SenderValues

TABLES = """
CREATE TABLE orders (id INT, price DOUBLE) WITH ('connector'='filesystem', 'format'='csv', 'path'='{directory}/orders');
CREATE TABLE report (id INT, total DOUBLE) WITH ('connector'='filesystem', 'format'='csv', 'path'='{directory}/report');
"""
GOOD = "INSERT INTO report SELECT id, SUM(price) FROM orders GROUP BY id"
FAILING = "INSERT INTO report SELECT id / (id - 1), price FROM orders"
STATES = {"FINISHED": "COMPLETED", "FAILED": "FAILED"}
# The listener takes the time when it hears of a change.
LATER = timedelta(seconds=5)


@pytest.fixture
def flink(server: LiveServer, sender: Sender, tmp_path: Path) -> Iterator[Flink]:
    values = SenderValues(server.endpoint(sender.connection.id), sender.key)
    with running_flink(tmp_path, ports=(free_port(), free_port()), values=values) as flink:
        yield flink


def test_jobs_are_shown_as_flink_records_them(server: LiveServer, sender: Sender, flink: Flink, tmp_path: Path) -> None:
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "one.csv").write_text("1,9.5\n2,3\n")
    tables = TABLES.format(directory=tmp_path)
    token = create_api_token(user=User.objects.create_user("ada"), name="token", now=timezone.now()).text
    assert flink.run("report", tables + GOOD) == 0
    assert flink.run("broken", tables + FAILING) == 1

    def shown() -> dict[str, ShownRun]:
        return {run.job: run for run in read_runs(server.url, sender.connection.id, token)}

    # The listener sends after the client has its answer.
    wait_until(lambda: sorted(run.state for run in shown().values()) == ["COMPLETED", "FAILED"], "both ends")
    for job in flink.jobs():
        run = shown()[job["name"]]
        assert run.state == STATES[job["state"]]
        for at, recorded in ((run.start, job["start-time"]), (run.end, job["end-time"])):
            assert at is not None
            assert abs(at - datetime.fromtimestamp(recorded / 1000, UTC)) < LATER
    # The listener gives the tables of this connector no namespace, so they are left out.
    answer = requests.get(f"{server.url}/api/v1/datasets", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert answer.json()["results"] == []
