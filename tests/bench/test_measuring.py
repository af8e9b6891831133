"""A measurement counts only if every request was acknowledged, and every acknowledged event is stored."""

import os
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest
from django.db import connections as databases

from bench.runner import Case, Measurement, measure
from bench.subjects import Subject
from tests.live_server import Sender
from tests.serving import LiveServer

SECONDS = 0.2

Run = Callable[[Case], dict[tuple[str, int, int], Measurement]]


@pytest.fixture
def subject(server: LiveServer, sender: Sender) -> Subject:
    name = databases["default"].settings_dict["NAME"]
    url = psycopg.conninfo.make_conninfo(os.environ["DATABASE_URL"], dbname=name)
    return Subject(
        name="the product",
        pid=server.process.pid,
        port=server.port,
        path=server.path(sender.connection.id),
        key=sender.key,
        database_url=url,
        count="SELECT count(*) FROM lineage_event",
    )


@pytest.fixture
def run(server: LiveServer) -> Run:
    """Measure one short round, with hardly any warm-up."""
    return lambda case: measure([case], rounds=1, seconds=SECONDS, postgres=os.getpid(), warm_up=0.01)


def test_single_events(subject: Subject, run: Run) -> None:
    [(key, found)] = run(Case(subject, clients=8)).items()

    assert key == ("the product", 8, 1)
    assert 0 < found.p50 <= found.p99
    assert found.cpu_per_event > 0
    stored = subject.stored()
    assert stored
    assert stored >= found.events_per_second * SECONDS


def test_batches_count_their_events(subject: Subject, run: Run) -> None:
    [found] = run(Case(subject, clients=2, batch=10, path=f"{subject.path}/batch")).values()

    stored = subject.stored()
    assert stored
    assert stored % 10 == 0
    assert found.events_per_second * SECONDS <= stored


def test_a_refused_request_ends_the_benchmark(subject: Subject, run: Run) -> None:
    with pytest.raises(SystemExit, match="requests refused"):
        run(Case(replace(subject, key="no key"), clients=2))


def test_an_acknowledged_event_that_is_not_stored_ends_the_benchmark(subject: Subject, run: Run) -> None:
    with pytest.raises(SystemExit, match="0 stored"):
        run(Case(replace(subject, count="SELECT 0"), clients=2))
