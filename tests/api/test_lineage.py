"""Lineage over the API: what is asked, and what is wrong with it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections import actions
from connections.models import Connection
from lineage.digest.digest import Submission, digest
from lineage.events import decode_event
from lineage.events.identity import dataset_id
from lineage.models import Job, Run
from lineage.states.settle import settle
from tests.lineage.graph.walks import run

Read = Callable[..., Any]
PATH = "/api/v1/lineage"


def send(name: str, *events: bytes) -> str:
    """Send events to a connection of this name. Returns its id."""
    now = timezone.now()
    connection = actions.create_connection(name=name, type="openlineage", created_by=None, now=now)
    key = actions.create_api_key(connection=connection, name="key", created_by=None, now=now).api_key
    digest([Submission(key.voucher, [decode_event(event) for event in events])], now=now)
    settle(connection.pk, now=now)
    return str(connection.pk)


@pytest.fixture
def estate(db: None) -> dict[str, str]:
    """An orchestrator that loads what another one transforms."""
    return {
        "airflow": send("airflow", run("load", "raw", "orders")),
        "dbt": send("dbt", run("model", "orders", "mart"), run("report", "mart", "sheet")),
    }


def names(graph: dict[str, Any]) -> set[str]:
    return {node["name"] for node in graph["nodes"]}


def test_it_leads_across_connections(read: Read, estate: dict[str, str]) -> None:
    graph = read("lineage?node=dataset:warehouse:orders")
    assert names(graph) == {"raw", "orders", "mart", "sheet"}
    by_name = {node["name"]: node for node in graph["nodes"]}
    assert by_name["orders"]["connections"] == sorted(estate.values())
    assert {name: node["distance"] for name, node in by_name.items()} == {"raw": -1, "orders": 0, "mart": 1, "sheet": 2}
    assert [(edge["kind"], edge["evidence"]) for edge in graph["edges"]] == [("current", "assumed")] * 3
    assert graph["focus"] == f"dataset:{dataset_id('warehouse', 'orders')}"


def test_what_is_asked(read: Read, estate: dict[str, str]) -> None:
    orders = f"dataset:{dataset_id('warehouse', 'orders')}"
    assert names(read(f"lineage?nodeId={orders}&direction=up")) == {"raw", "orders"}
    assert names(read(f"lineage?node={orders}&depth=1&direction=down")) == {"orders", "mart"}
    assert names(read(f"lineage?node={orders}&connection={estate['dbt']}")) == {"orders", "mart", "sheet"}
    assert names(read(f"lineage?node={orders}&view=jobs&depth=1")) == {"raw", "load", "orders", "model", "mart"}
    mart = dataset_id("warehouse", "mart")
    assert names(read(f"lineage?node={orders}&depth=1&direction=down&expand={mart}")) == {"orders", "mart", "sheet"}
    assert read(f"lineage?node={orders}&limit=1")["cut"]["nodes"] > 0
    assert read(f"lineage?node={orders}&at=2020-01-01T00:00:00Z")["edges"] == []


def test_around_a_job_and_a_run(read: Read, estate: dict[str, str]) -> None:
    job = Job.objects.get(name="model")
    run_of_job = Run.objects.get(job_id=job.id)
    for node in (f"job:{job.id}", f"run:{run_of_job.run_id}"):
        graph = read(f"lineage?node={node}&depth=1")
        assert (graph["focus"], names(graph)) == (f"job:{job.id}", {"orders", "model", "mart"})


@pytest.mark.parametrize(
    "query",
    [
        "",
        "node=",
        "node=table:1",
        "node=job:1",
        "node=dataset:orders",
        "node=dataset:warehouse:orders&depth=0",
        "node=dataset:warehouse:orders&depth=11",
        "node=dataset:warehouse:orders&limit=501",
        pytest.param("node=dataset:warehouse:orders&limit=0000000019999", id="limit with zeros before it"),
        pytest.param(f"node=dataset:warehouse:orders&depth=000000001{0:05000}", id="depth of 5,000 digits"),
        "node=dataset:warehouse:orders&direction=sideways",
        "node=dataset:warehouse:orders&at=yesterday",
        "node=dataset:warehouse:orders&expand=1",
        "node=dataset:warehouse:orders&columns=yes",
        "node=dataset:warehouse:orders&colour=red",
    ],
)
def test_what_cannot_be_answered_is_refused(api: Client, estate: dict[str, str], query: str) -> None:
    response = api.get(f"{PATH}?{query}")
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid")


@pytest.mark.parametrize(
    "node", ["dataset:warehouse:nothing", f"job:{dataset_id('a', 'b')}", f"run:{dataset_id('a', 'b')}"]
)
def test_what_is_not_there(api: Client, estate: dict[str, str], node: str) -> None:
    assert api.get(f"{PATH}?node={node}").status_code == 404


def test_what_belongs_to_a_removed_connection_is_not_shown(read: Read, estate: dict[str, str]) -> None:
    Connection.objects.filter(pk=estate["dbt"]).update(removed_at=timezone.now())
    assert names(read("lineage?node=dataset:warehouse:orders")) == {"raw", "orders"}
