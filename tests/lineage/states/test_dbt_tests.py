"""States of dbt's tests: failed, skipped or broken, although dbt-ol's events hardly distinguish them."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineage.models import Job, Run
from lineage.now.reading import read_histories
from lineage.runs.facets_of_run import read_run
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import Sender, make_sender
from tests.lineage.digest.test_any_order import (
    EXAMPLES_OF_PART,
    PARTS,
    forget,
    send_in_groups,
)
from tests.lineage.shown import assert_shown_as_the_rules_say
from tests.lineage.state import projection

SampleLines = Callable[..., list[bytes]]

WRAPPER = {
    "parent": {"run": {"runId": "command"}, "job": {"namespace": "namespace", "name": "dbt-run-shop"}},
    "dbt_run": {"invocation_id": "this command"},
}
DBT = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/dbt"
NO_RESULT: dict[str, Any] = {"success": False}
PASSED = {"success": True, "actual": "0", "expected": "0"}
FAILED = {"success": False, "actual": "3", "expected": "0"}
WARNS = {"severity": "warn"}
RELATION = {"assertion": "relationships"}
QUERY = {"assertion": "t", "name": "t"}


def node_facet(unique_id: str, table: str | None) -> dict[str, Any]:
    """`table`: of the schema `db.main`. Older versions of dbt-ol may not tell it."""
    place = {"database": "db", "schema": "main", "alias": table} if table else {}
    return {"unique_id": unique_id, **place}


def model(type_: str, name: str, time: float = 1, *, command: str = "build", table: str | None = None) -> bytes:
    """Make a model's event in default mode."""
    return run_event(
        type_,
        at(time),
        run=f"run of {name}",
        job=f"db.main.shop.{name}.build.run" if command == "build" else f"db.main.shop.{name}",
        run_facets=WRAPPER,
        job_facets={
            "jobType": {"jobType": "MODEL", "integration": "DBT"},
            "dbt_node": node_facet(f"model.shop.{name}", table),
        },
    )


def results_of(
    node: str,
    *results: dict[str, Any],
    command: str = "build",
    type_: str = "FAIL",
    time: float = 2,
    table: str | None = None,
) -> bytes:
    """Make the event of all tests of a model in default mode."""
    assertions = [{"assertion": "unique", "name": f"unique_{number}", **said} for number, said in enumerate(results)]
    return run_event(
        type_,
        at(time),
        run=f"tests of {node}",
        job=f"db.main.{node.partition('.')[2]}.{'build.' if command == 'build' else ''}test",
        run_facets=WRAPPER,
        job_facets={"jobType": {"jobType": "TEST", "integration": "DBT"}, "dbt_node": node_facet(node, table)},
        inputs=[{**dataset("db.main.x"), "inputFacets": {"dataQualityAssertions": {"assertions": assertions}}}],
        producer=DBT,
    )


def lone_test(
    name: str,
    *tables: str,
    type_: str = "FAIL",
    actual: str | None = None,
    time: float = 2,
    names_tables: bool = False,
) -> bytes:
    """A test that is a query of its own. `names_tables`: sent by a version that names those of nodes."""
    return run_event(
        type_,
        at(time),
        run=f"test {name}",
        job=f"test.shop.{name}",
        run_facets={**WRAPPER, "test": {"tests": [{"name": name, "status": "fail", "actual": actual}]}},
        job_facets={
            "jobType": {"jobType": "TEST", "integration": "DBT"},
            "dbt_node": node_facet(f"test.shop.{name}", name if names_tables else None),
        },
        inputs=[dataset(f"db.main.{table}") for table in tables],
    )


def structured(type_: str, node: str, *, kind: str = "TEST", time: float = 2, **fields: Any) -> bytes:
    return run_event(
        type_,
        at(time),
        run=f"run of {node}",
        job=node,
        run_facets=WRAPPER,
        job_facets={
            "jobType": {"jobType": kind, "integration": "DBT"},
            "dbt_node": {"unique_id": node, "test_type": "generic"},
        },
        **fields,
    )


def shown(job: str) -> str:
    """The state of the job's only run, by the run itself, among the latest ones, and on the job's row."""
    run = Run.objects.shown().get(job__name=job)
    of_job = Job.objects.get(id=run.job_id)
    recent = read_histories([(run.connection_id, run.job_id)], most_runs=5)
    assert {run.shown_state, of_job.latest_run_state, *(one.state for one in recent[run.job_id])} == {run.shown_state}
    return str(run.shown_state)


MODEL_TESTS = "model.shop.orders.test"


@pytest.mark.parametrize(
    ("beside", "results", "state"),
    [
        ([("COMPLETE", "orders")], [NO_RESULT], "FAILED"),
        ([("FAIL", "orders")], [NO_RESULT, NO_RESULT], "SKIPPED"),
        ([], [NO_RESULT], "SKIPPED"),
        ([("FAIL", "orders")], [NO_RESULT | WARNS], "SKIPPED"),
        ([("COMPLETE", "orders")], [NO_RESULT | WARNS], "FAILED"),
        ([("COMPLETE", "orders")], [NO_RESULT, PASSED], "FAILED"),
        ([("COMPLETE", "orders")], [FAILED, PASSED], "FAILED"),
        (
            [("COMPLETE", "orders"), ("FAIL", "other")],
            [NO_RESULT | RELATION, PASSED],
            "COMPLETED",
        ),
        ([("COMPLETE", "orders")], [NO_RESULT | RELATION, PASSED], "FAILED"),
        # The query has a run of its own.
        ([("COMPLETE", "orders")], [NO_RESULT | QUERY, PASSED], "COMPLETED"),
        ([("COMPLETE", "orders")], [FAILED | WARNS, PASSED], "COMPLETED"),
        ([("COMPLETE", "orders")], [FAILED | {"severity": "error", "expected": "> 10"}], "COMPLETED"),
        ([("COMPLETE", "orders")], [FAILED | {"severity": "error", "expected": ">2"}], "FAILED"),
        ([("COMPLETE", "orders")], [FAILED | {"severity": "error", "expected": "a word"}], "FAILED"),
    ],
)
@pytest.mark.parametrize("reverse", [False, True])
def test_all_tests_of_a_model_in_a_build(
    sender: Sender,
    beside: list[tuple[str, str]],
    results: list[dict[str, Any]],
    state: str,
    reverse: bool,
) -> None:
    bodies = [*(model(type_, name) for type_, name in beside), results_of("model.shop.orders", *results)]
    for body in reversed(bodies) if reverse else bodies:
        sender.send(body)
    assert shown(MODEL_TESTS) == state
    assert [run.run_id for run in Run.objects.in_state(state).filter(job__name=MODEL_TESTS)]


@pytest.mark.parametrize(
    ("results", "state"),
    [([NO_RESULT], "FAILED"), ([NO_RESULT | WARNS], "FAILED"), ([FAILED], "FAILED"), ([PASSED], "COMPLETED")],
)
def test_the_test_command_skips_nothing(sender: Sender, results: list[dict[str, Any]], state: str) -> None:
    sender.send(results_of("model.shop.orders", *results, command="test", type_="COMPLETE"))
    assert shown(MODEL_TESTS) == state


def test_another_command_tells_nothing(sender: Sender) -> None:
    other = model("COMPLETE", "orders").replace(b'"this command"', b'"another command"')
    sender.send(other, results_of("model.shop.orders", NO_RESULT))
    assert shown(MODEL_TESTS) == "SKIPPED"


@pytest.mark.parametrize(
    ("beside", "tables", "state"),
    [
        ([model("COMPLETE", "orders")], ["orders"], "FAILED"),
        ([model("FAIL", "orders")], ["orders"], "SKIPPED"),
        ([model("COMPLETE", "orders"), model("FAIL", "other")], ["orders", "other"], "SKIPPED"),
        # Its model was skipped, as the model's other tests tell.
        ([results_of("model.shop.orders", NO_RESULT)], ["orders"], "SKIPPED"),
        ([results_of("model.shop.orders", NO_RESULT), model("COMPLETE", "orders")], ["orders"], "FAILED"),
        ([results_of("model.shop.orders", NO_RESULT, command="test")], ["orders"], "FAILED"),
        ([], ["orders"], "FAILED"),
        ([], [], "FAILED"),
    ],
)
@pytest.mark.parametrize("reverse", [False, True])
def test_a_test_that_is_a_query(
    sender: Sender,
    beside: list[bytes],
    tables: list[str],
    state: str,
    reverse: bool,
) -> None:
    bodies = [*beside, lone_test("no_refunds", *tables)]
    for body in reversed(bodies) if reverse else bodies:
        sender.send(body)
    assert shown("test.shop.no_refunds") == state


NO_RETURNS = results_of("model.shop.returns", NO_RESULT, table="old_orders")


@pytest.mark.parametrize(
    ("beside", "state"),
    [
        ([model("FAIL", "returns", table="old_orders")], "SKIPPED"),
        ([model("COMPLETE", "returns", table="old_orders")], "FAILED"),
        ([NO_RETURNS], "SKIPPED"),
        ([NO_RETURNS, model("COMPLETE", "returns", table="old_orders")], "FAILED"),
        # A model of that name, and another one's table: as where a project has both in two schemas.
        ([model("FAIL", "old_orders", table="older_orders")], "FAILED"),
        ([results_of("model.shop.old_orders", NO_RESULT, table="older_orders")], "FAILED"),
        (
            [
                results_of("model.shop.old_orders", NO_RESULT, table="older_orders"),
                model("COMPLETE", "returns", table="old_orders"),
                model("FAIL", "old_orders", table="older_orders"),
            ],
            "FAILED",
        ),
        ([NO_RETURNS, model("COMPLETE", "old_orders", table="older_orders")], "SKIPPED"),
    ],
)
@pytest.mark.parametrize("reverse", [False, True])
def test_a_test_that_is_a_query_of_a_model_with_an_alias(
    sender: Sender, beside: list[bytes], state: str, reverse: bool
) -> None:
    bodies = [*beside, lone_test("no_refunds", "old_orders", names_tables=True)]
    for body in reversed(bodies) if reverse else bodies:
        sender.send(body)
    assert shown("test.shop.no_refunds") == state
    assert_shown_as_the_rules_say(sender.connection.id)


@pytest.mark.parametrize(("model_ends", "state"), [("COMPLETE", "FAILED"), ("FAIL", "COMPLETED")])
@pytest.mark.parametrize("others", [{}, RELATION])
def test_a_model_s_tests_of_which_one_is_a_query(
    sender: Sender, model_ends: str, state: str, others: dict[str, Any]
) -> None:
    """The query needs a second model."""
    results = results_of("model.shop.orders", PASSED, NO_RESULT | QUERY, *([NO_RESULT | others] if others else []))
    for body in (results, lone_test("t", "orders", "other"), model("COMPLETE", "orders"), model(model_ends, "other")):
        sender.send(body)
    assert shown("test.shop.t") == ("FAILED" if model_ends == "COMPLETE" else "SKIPPED")
    assert shown(MODEL_TESTS) == state


def results_shown() -> set[tuple[str, str]]:
    """Return assertion and result of the model's tests, as a run's page lists them."""
    run = Run.objects.select_related("job").get(job__name=MODEL_TESTS)
    return {(test.assertion, test.state) for test in read_run(run).contents.tests}


@pytest.mark.parametrize(("model_ends", "result"), [("COMPLETE", "errored"), ("FAIL", "skipped")])
def test_the_page_tells_what_became_of_each_test(sender: Sender, model_ends: str, result: str) -> None:
    sender.send(
        model("COMPLETE", "orders"),
        model(model_ends, "other"),
        results_of("model.shop.orders", FAILED, PASSED | {"assertion": "p"}, NO_RESULT | RELATION, NO_RESULT | QUERY),
    )
    sender.send(lone_test("t", "orders", "other"))
    assert results_shown() == {("unique", "failed"), ("p", "passed"), ("t", result), ("relationships", "skipped")}


def test_the_page_of_a_test_command_skips_nothing(sender: Sender) -> None:
    sender.send(results_of("model.shop.orders", FAILED, NO_RESULT | RELATION, NO_RESULT | QUERY, command="test"))
    assert results_shown() == {("unique", "failed"), ("relationships", "errored"), ("t", "errored")}


def test_the_page_of_structured_tests(sender: Sender) -> None:
    for node, type_, said in (("a", "ABORT", "0"), ("b", "FAIL", "0"), ("c", "FAIL", "2")):
        facet = {"assertions": [{"assertion": node, "success": False, "actual": said, "expected": "0"}]}
        sender.send(
            structured(
                type_,
                f"test.shop.{node}",
                inputs=[dataset("db.main.orders", dataQualityAssertions=facet)],
                producer=DBT,
            )
        )
    runs = Run.objects.select_related("job").order_by("job__name")
    assert [test.state for run in runs for test in read_run(run).contents.tests] == ["skipped", "errored", "failed"]


def test_what_structured_mode_skips(sender: Sender, sample_lines: SampleLines) -> None:
    sender.send(*sample_lines("dbt-build-struct"))
    assert shown("model.shop.customers") == "SKIPPED"
    assert shown("test.shop.not_null_customers_customer_id.5c9bf9911d") == "SKIPPED"
    assert shown("test.shop.accepted_values_stg_orders_amount__False__10__20.c7d48421da") == "FAILED"
    assert not Run.objects.filter(state="ABORTED").exists()


def test_a_command_that_is_killed_is_aborted(sender: Sender) -> None:
    facets = {"jobType": {"jobType": "JOB", "integration": "DBT"}}
    sender.send(run_event("ABORT", job="dbt-run-shop", job_facets=facets))
    assert shown("dbt-run-shop") == "ABORTED"


def test_a_default_build_whose_model_is_skipped(sender: Sender, sample_lines: SampleLines) -> None:
    for body in sample_lines("dbt-build-fail"):
        sender.send(body)
    assert shown("model.shop.customers.test") == "SKIPPED"
    assert shown("model.shop.stg_orders.test") == "FAILED"


def test_a_real_build_with_all_of_it(sender: Sender, sample_lines: SampleLines) -> None:
    """The project of tests/senders, compared with dbt's record."""
    sender.send(*sample_lines("dbt-build-doubt"))
    states = {name.removeprefix("model.shop."): shown(name) for name in Job.objects.values_list("name", flat=True)}
    assert {name: state for name, state in states.items() if "test" in name} == {
        "orders.test": "COMPLETED",
        "customers.test": "FAILED",
        "refunds.test": "SKIPPED",
        "refunds_by_day.test": "SKIPPED",
        "amounts.test": "FAILED",
        "lonely.test": "FAILED",
        "shipments.test": "COMPLETED",
        "test.shop.no_large_totals": "COMPLETED",
        "test.shop.no_small_totals": "FAILED",
        "test.shop.no_odd_amounts": "FAILED",
        "test.shop.no_large_refunds": "SKIPPED",
        "test.shop.no_shipped_refunds": "SKIPPED",
    }


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """Few models and tests, so that they contradict one another."""
    name = draw(st.sampled_from(["a", "b"]))
    time = draw(st.sampled_from([0, 1, 1.5]))
    type_ = draw(st.sampled_from(["START", "COMPLETE", "FAIL", "ABORT"]))
    command = draw(st.sampled_from(["build", "test"]))
    what = draw(st.sampled_from(["model", "tests", "lone", "structured", "single"]))
    table = draw(st.sampled_from([None, "a", "b"]))
    if what == "model":
        return model(type_, name, time, command=command, table=table)
    if what == "lone":
        tables = draw(st.lists(st.sampled_from(["a", "b"]), max_size=2))
        options: dict[str, Any] = {"actual": draw(st.sampled_from([None, "1"])), "names_tables": draw(st.booleans())}
        return lone_test("t", *tables, type_=type_, time=time, **options)
    if what == "structured":
        return structured(type_, f"model.shop.{name}", kind="MODEL", time=time)
    if what == "single":
        # One of the tests of a model that `results_of` names, or the query.
        return structured(type_, draw(st.sampled_from(["test.shop.unique_0.abc", "test.shop.unique_1.abc"])), time=time)
    said = st.sampled_from([NO_RESULT, PASSED, PASSED, FAILED, *(NO_RESULT | other for other in (RELATION, QUERY))])
    results = draw(st.lists(said, max_size=2))
    return results_of(f"model.shop.{name}", *results, command=command, type_=type_, time=time, table=table)


@pytest.mark.usefixtures("fresh_tables")
@pytest.mark.parametrize("part", PARTS)
@settings(max_examples=EXAMPLES_OF_PART, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=st.lists(events(), min_size=1, max_size=8), sizes=st.lists(st.integers(1, 4), max_size=4), data=st.data())
def test_any_order_of_models_and_tests_gives_the_same_rows(
    part: int, bodies: list[bytes], sizes: list[int], data: st.DataObject
) -> None:
    permuted = data.draw(st.permutations(bodies))
    sender = make_sender()
    send_in_groups(sender, bodies, [1] * len(bodies))
    assert_shown_as_the_rules_say(sender.connection.id)
    expected = projection(sender.connection.id)
    forget(sender)
    send_in_groups(sender, permuted, sizes)
    assert_shown_as_the_rules_say(sender.connection.id)
    assert projection(sender.connection.id) == expected
