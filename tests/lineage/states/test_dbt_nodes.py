"""A dbt node is one job, by whatever command and mode of dbt-ol it came."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from lineage.models import Job, Run
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import Sender

SampleLines = Callable[..., list[bytes]]
WRAPPER = {"parent": {"run": {"runId": "w"}, "job": {"namespace": "namespace", "name": "dbt-run-shop"}}}


def node(unique_id: str | None, type_: str = "MODEL") -> dict[str, Any]:
    return {"jobType": {"jobType": type_, "integration": "DBT"}, "dbt_node": {"unique_id": unique_id}}


def jobs_by_kind(sender: Sender) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind, name in Job.objects.filter(connection=sender.connection).order_by("name").values_list("kind", "name"):
        found.setdefault(kind, []).append(name)
    return found


def test_run_build_and_structured_mode_name_the_same_jobs(sender: Sender, sample_lines: SampleLines) -> None:
    lines = [line for name in ("dbt-run-ok", "dbt-build-ok", "dbt-build-struct") for line in sample_lines(name)]
    random.Random(3).shuffle(lines)
    for line in lines:
        sender.send(line)
    jobs = jobs_by_kind(sender)
    assert jobs["MODEL"] == ["model.shop.customers", "model.shop.stg_orders"]
    assert jobs["SEED"] == ["seed.shop.raw_customers", "seed.shop.raw_orders"]
    assert jobs["JOB"] == ["dbt-run-shop"]
    assert [name for name in jobs["TEST"] if name.endswith(".test")] == [
        "model.shop.customers.test",
        "model.shop.stg_orders.test",
    ]
    orders = Job.objects.get(name="model.shop.stg_orders")
    assert Run.objects.filter(job=orders).count() == 3
    assert Job.objects.get(name="model.shop.stg_orders.test").parent_job_id == orders.id
    assert set(Job.objects.filter(name__startswith="model.shop.stg_orders.sql").values_list("parent_job_id")) == {
        (orders.id,)
    }


@pytest.mark.parametrize(
    ("type_", "unique_id", "name", "parent"),
    [
        ("MODEL", "model.shop.a", "model.shop.a", "dbt-run-shop"),
        ("SNAPSHOT", "snapshot.shop.a", "snapshot.shop.a", "dbt-run-shop"),
        ("TEST", "model.shop.a", "model.shop.a.test", "model.shop.a"),
        ("TEST", "test.shop.unique_a.1", "test.shop.unique_a.1", "dbt-run-shop"),
        ("TEST", "source.shop.raw.a", "source.shop.raw.a.test", "dbt-run-shop"),
        ("MODEL", None, "db.main.shop.a", "dbt-run-shop"),
        ("MODEL", "", "db.main.shop.a", "dbt-run-shop"),
    ],
)
def test_the_name_and_the_parent_of_a_node(
    sender: Sender, type_: str, unique_id: str | None, name: str, parent: str
) -> None:
    sender.send(run_event("START", at(0), job="db.main.shop.a", run_facets=WRAPPER, job_facets=node(unique_id, type_)))
    assert Job.objects.values_list("name", "parent_job_name").get() == (name, parent)


SOURCE: dict[str, Any] = {"dataSource": {"name": "duckdb", "uri": "duckdb"}}


def table(name: str, materialized: str) -> dict[str, Any]:
    return dataset(f"db.main.{name}", **SOURCE, dbt_model={"config": {"materialized": materialized}})


@pytest.mark.parametrize(
    ("type_", "test_type", "inputs", "parent"),
    [
        ("START", "generic", [table("orders", "table")], "model.shop.orders"),
        ("COMPLETE", "generic", [table("orders", "seed")], "seed.shop.orders"),
        ("COMPLETE", "generic", [table("orders", "snapshot")], "snapshot.shop.orders"),
        ("COMPLETE", "generic", [dataset("db.main.orders", **SOURCE)], "dbt-run-shop"),
        # It needs both, and the event of its end tells which one it tests.
        ("START", "generic", [table("orders", "table"), table("refunds", "table")], ""),
        ("COMPLETE", "singular", [table("orders", "table"), table("refunds", "table")], "dbt-run-shop"),
        ("FAIL", None, [dataset("db.main.orders")], "model.shop.orders"),
        ("FAIL", None, [], "dbt-run-shop"),
    ],
)
def test_a_test_is_inside_the_node_that_it_tests(
    sender: Sender, type_: str, test_type: str | None, inputs: list[dict[str, Any]], parent: str
) -> None:
    facets = node("test.shop.unique_a.1", "TEST")
    facets["dbt_node"]["test_type"] = test_type
    sender.send(
        run_event(type_, at(0), job="test.shop.unique_a.1", run_facets=WRAPPER, job_facets=facets, inputs=inputs)
    )
    assert Job.objects.values_list("parent_job_name", flat=True).get() == parent


@pytest.mark.parametrize("unique_id", ["test", "test.", "test.shop", "test..", "."])
def test_an_odd_name_is_no_error(sender: Sender, unique_id: str) -> None:
    facets = node(unique_id, "TEST")
    said = {**WRAPPER, "test": {"tests": [{"name": "a", "status": "fail"}]}}
    sender.send(run_event("FAIL", at(0), job="x", run_facets=said, job_facets=facets, inputs=[table("a", "table")]))
    assert Job.objects.count() == 1


def test_a_broken_node_facet_changes_nothing(sender: Sender) -> None:
    sender.send(run_event(job="a", job_facets={"dbt_node": {"unique_id": 7}}))
    assert Job.objects.get().name == "a"
