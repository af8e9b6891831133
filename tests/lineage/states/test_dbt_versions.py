"""Older versions of dbt-ol send less: what they do not send says nothing about a run."""

from collections.abc import Callable
from typing import Any, Literal

import pytest

from lineage.models import Job, Run
from lineage.runs.facets_of_run import read_run
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import Sender
from tests.lineage.shown import assert_shown_as_the_rules_say

COMMAND = {"parent": {"run": {"runId": "command"}, "job": {"namespace": "namespace", "name": "dbt-run-shop"}}}
DBT_RUN = {"dbt_run": {"invocation_id": "this command"}}
UNKNOWN = {"assertion": "not_null_orders_id", "success": False}
PASSED = {"assertion": "unique_orders_id", "success": True}


def of(version: str) -> str:
    return f"https://github.com/OpenLineage/OpenLineage/tree/{version}/integration/dbt"


OTHER = "https://github.com/apache/airflow/tree/providers-dbt-cloud/4.0.0"


def results_of(name: str, *assertions: dict[str, Any], producer: str, node: str = "", type_: str = "COMPLETE") -> bytes:
    """Make the last event of tests, in default mode. `node`: id in the facet `dbt_node`; empty: without that facet."""
    return run_event(
        type_,
        at(2),
        run=f"tests {name}",
        job=name,
        producer=producer,
        run_facets=COMMAND | DBT_RUN if node else COMMAND,
        job_facets={"jobType": {"jobType": "TEST", "integration": "DBT"}}
        | ({"dbt_node": {"unique_id": node}} if node else {}),
        inputs=[dataset("db.main.orders", dataQualityAssertions={"assertions": list(assertions)})],
    )


def shown() -> tuple[str, set[tuple[str, str]]]:
    """Return the state of the only run of tests, and each test with its state, as the run's page lists them."""
    run = Run.objects.shown().select_related("job").get(job__kind="TEST")
    assert run.job.latest_run_state == run.shown_state
    assert_shown_as_the_rules_say(run.connection_id)
    return run.shown_state, {(test.assertion, test.state) for test in read_run(run).contents.tests}


@pytest.mark.parametrize(
    ("producer", "node", "command", "right"),
    [
        # Only from 1.47 on a failed test comes with a number of rows.
        (of("1.30.1"), "", "test", ("FAILED", "failed")),
        (of("1.30.1"), "", "build.test", ("FAILED", "failed")),
        (of("1.46.0"), "model.shop.orders", "test", ("FAILED", "failed")),
        (of("1.46.0"), "model.shop.orders", "build.test", ("FAILED", "failed")),
        (of("1.47.0"), "model.shop.orders", "test", ("FAILED", "errored")),
        (of("1.47.0"), "model.shop.orders", "build.test", ("SKIPPED", "skipped")),
        (of("2.0.0"), "model.shop.orders", "build.test", ("SKIPPED", "skipped")),
        # The producer says no version: the facet `dbt_node` does.
        (OTHER, "", "build.test", ("FAILED", "failed")),
        (of("main"), "model.shop.orders", "build.test", ("SKIPPED", "skipped")),
    ],
)
def test_a_test_without_a_number_of_rows(
    sender: Sender, producer: str, node: str, command: str, right: tuple[str, str]
) -> None:
    """No other run of this command was received."""
    sender.send(results_of(f"db.main.shop.orders.{command}", UNKNOWN, producer=producer, node=node))
    state, result = right
    assert shown() == (state, {("not_null_orders_id", result)})


@pytest.mark.parametrize(
    ("assertions", "state", "results"),
    [
        ([PASSED], "COMPLETED", {("unique_orders_id", "passed")}),
        ([PASSED, UNKNOWN], "FAILED", {("unique_orders_id", "passed"), ("not_null_orders_id", "failed")}),
        ([UNKNOWN | {"severity": "warn"}], "COMPLETED", {("not_null_orders_id", "warned")}),
    ],
)
def test_all_tests_of_a_model(
    sender: Sender, assertions: list[dict[str, Any]], state: str, results: set[tuple[str, str]]
) -> None:
    sender.send(results_of("db.main.shop.orders.test", *assertions, producer=of("1.30.1")))
    assert shown() == (state, results)


@pytest.mark.parametrize(
    ("type_", "state", "result"),
    [
        ("ABORT", "SKIPPED", "skipped"),
        ("FAIL", "FAILED", "failed"),
        ("COMPLETE", "COMPLETED", "warned"),
        # The last event of a test that warns, in 1.30.
        ("OTHER", "COMPLETED", "warned"),
    ],
)
def test_a_test_in_structured_mode(sender: Sender, type_: str, state: str, result: str) -> None:
    name = "test.shop.not_null_orders_id.81cfe2fe64"
    sender.send(results_of(name, UNKNOWN, producer=of("1.30.1"), type_=type_))
    assert shown() == (state, {("not_null_orders_id", result)})


@pytest.mark.parametrize("step", [1, -1], ids=["as sent", "backwards"])
def test_a_test_that_warns_has_ended(
    sender: Sender, sample_lines: Callable[[str], list[bytes]], step: Literal[1, -1]
) -> None:
    """Captured from dbt-ol 1.30: it ends such a test with OTHER, in structured mode."""
    for event in sample_lines("dbt-warns-struct-1.30")[::step]:
        sender.send(event)
    runs = {run.job.name: run for run in Run.objects.shown().select_related("job")}
    assert {name: run.shown_state for name, run in runs.items()} == {
        "dbt-run-shop": "FAILED",
        "test.shop.total_is_known.895262286c": "COMPLETED",
        "test.shop.not_null_customers_total.00798d9f80": "FAILED",
    }
    [result] = read_run(runs["test.shop.total_is_known.895262286c"]).contents.tests
    assert (result.column, result.state) == ("total", "warned")


@pytest.mark.parametrize(("version", "state"), [("1.46.0", "FAILED"), ("1.47.0", "SKIPPED")])
def test_a_test_that_is_a_query(sender: Sender, version: str, state: str) -> None:
    """A model that it reads failed. From 1.47 on that says that it was skipped, because it has no number of rows."""
    facets = {"integration": "DBT", "jobType": "MODEL"}
    model = {"jobType": facets, "dbt_node": {"unique_id": "model.shop.orders"}}
    test = {"jobType": facets | {"jobType": "TEST"}, "dbt_node": {"unique_id": "test.shop.t"}}
    said = {"test": {"tests": [{"name": "test.shop.t", "status": "fail", "severity": "error"}]}}
    for body in (
        run_event("FAIL", at(1), run="m", job="db.main.shop.orders.build.run", run_facets=DBT_RUN, job_facets=model),
        run_event(
            *("FAIL", at(2)),
            run="t",
            job="test.shop.t",
            run_facets=DBT_RUN | said,
            job_facets=test,
            inputs=[dataset("db.main.orders")],
            producer=of(version),
        ),
    ):
        sender.send(body)
    assert Run.objects.get(job__name="test.shop.t").shown_state == state


@pytest.mark.parametrize(
    ("kind", "names", "job"),
    [
        ("MODEL", ["db.main.shop.a", "db.main.shop.a.build.run"], ("db.main.shop.a", "dbt-run-shop")),
        ("MODEL", ["main.shop.a.build.run"], ("main.shop.a", "dbt-run-shop")),
        # A model `run` in a project `build`.
        ("MODEL", ["db.main.build.run", "db.main.build.run.build.run"], ("db.main.build.run", "dbt-run-shop")),
        ("MODEL", ["model.shop.a"], ("model.shop.a", "dbt-run-shop")),
        (
            "SNAPSHOT",
            ["db.main.shop.a.snapshot", "db.main.shop.a.build.snapshot"],
            ("db.main.shop.a.snapshot", "dbt-run-shop"),
        ),
        ("TEST", ["db.main.shop.a.test", "db.main.shop.a.build.test"], ("db.main.shop.a.test", "db.main.shop.a")),
        ("TEST", ["test.main.shop.a.build.test"], ("test.main.shop.a.test", "test.main.shop.a")),
        # Sources have no jobs.
        (
            "TEST",
            ["db.main.source.shop.raw.a.test", "db.main.source.shop.raw.a.build.test"],
            ("db.main.source.shop.raw.a.test", "dbt-run-shop"),
        ),
        ("TEST", ["test.shop.unique_a.1"], ("test.shop.unique_a.1", "dbt-run-shop")),
        ("TEST", ["test.shop.test"], ("test.shop.test", "dbt-run-shop")),
        ("SEED", ["seed.shop.a"], ("seed.shop.a", "dbt-run-shop")),
        ("TEST", ["unit_test.shop.a.test"], ("unit_test.shop.a.test", "model.shop.a")),
        ("TEST", ["unit_test.shop"], ("unit_test.shop", "dbt-run-shop")),
        ("SQL", ["model.shop.a.sql.1"], ("model.shop.a.sql.1", "dbt-run-shop")),
    ],
)
@pytest.mark.parametrize("is_declared", [True, False])
def test_the_name_of_a_node_without_its_id(
    sender: Sender, kind: str, names: list[str], job: tuple[str, str], is_declared: bool
) -> None:
    """A node has one name, whatever command ran it. The oldest versions send no jobType. `job`: name and parent."""
    facets = {"jobType": {"jobType": kind, "integration": "DBT"}} if is_declared else {}
    for number, name in enumerate(names):
        sender.send(
            run_event(run=f"run {number}", job=name, run_facets=COMMAND, job_facets=facets, producer=of("1.30.1"))
        )
    assert list(Job.objects.values_list("kind", "name", "parent_job_name")) == [(kind, *job)]


@pytest.mark.parametrize("name", ["operation.shop.shop-on-run-end-0", "function.shop.tax"])
@pytest.mark.parametrize(("type_", "state"), [("COMPLETE", "COMPLETED"), ("FAIL", "FAILED"), ("ABORT", "SKIPPED")])
def test_a_node_of_no_known_kind_is_no_command(sender: Sender, name: str, type_: str, state: str) -> None:
    sender.send(
        run_event(
            type_,
            job=name,
            run_facets=COMMAND | DBT_RUN,
            job_facets={"jobType": {"integration": "DBT"}, "dbt_node": {"unique_id": name}},
            producer=of("1.54.0"),
        )
    )
    run = Run.objects.shown().select_related("job").get()
    assert (run.job.name, run.job.kind, run.shown_state) == (name, "JOB", state)
    assert run.orchestrator_run_id == ""
