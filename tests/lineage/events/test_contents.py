"""Contents of a run: what is read from documents with bad parts, and how pages list these."""

import json
from typing import Any

import pytest

from lineage.events.contents import MAX_PROBLEMS, RunContents, contents_of
from lineage.events.errors import RunError
from tests.lineage.build import at, dataset, run_event


def contents(*bodies: bytes) -> RunContents:
    return contents_of([body.decode() for body in bodies])


def problems(body: bytes) -> dict[str, str]:
    return {problem.path: problem.message for problem in contents(body).problems}


NAMES = {"namespace": "n", "name": "j"}


@pytest.mark.parametrize(
    ("facet", "value", "path"),
    [
        ("parent", {"run": {"runId": ""}, "job": NAMES}, "parent.run.runId"),
        ("parent", {"run": {"runId": "p"}, "job": {"name": "j"}}, "parent.job.namespace"),
        ("parent", {"run": {"runId": "p"}, "job": NAMES, "root": []}, "parent.root"),
        ("parentRun", {"run": {"runId": 7}, "job": NAMES}, "parentRun.run.runId"),
        ("nominalTime", {"nominalStartTime": "yesterday"}, "nominalTime.nominalStartTime"),
        ("nominalTime", {"nominalStartTime": at(1), "nominalEndTime": 7}, "nominalTime.nominalEndTime"),
        ("errorMessage", {"message": ["no"], "stackTrace": "x"}, "errorMessage.message"),
        ("externalQuery", {"externalQueryId": None}, "externalQuery.externalQueryId"),
        ("test", {"tests": [{"name": "a", "status": "pass"}, None]}, "test.tests[1]"),
        ("spark.exception", {"message": {}, "stackTrace": "x"}, "spark.exception.message"),
        ("airflow", {"taskInstance": {"try_number": "1"}}, "airflow.taskInstance.try_number"),
        ("airflow", {"dag": {"tags": ["a", None]}}, "airflow.dag.tags[1]"),
        ("airflowDagRun", {"dagRun": {"start_date": at(1)}}, "airflowDagRun.dagRun.run_id"),
        ("airflowState", {"tasksState": {"a": 7, "b": "success"}}, "airflowState.tasksState.a"),
        ("airflowState", {"tasksState": {}, "tasksDuration": {"a": "1"}}, "airflowState.tasksDuration.a"),
        ("dbt_run", {"invocation_id": 7}, "dbt_run.invocation_id"),
        ("unknown", "a word", "unknown"),
        ("unknown", {"_deleted": True, "x": "anything"}, None),
        ("parent", {"_deleted": True}, None),
        ("parent", None, None),
    ],
)
def test_problems_of_run_facets(facet: str, value: Any, path: str | None) -> None:
    found = problems(run_event("FAIL", run_facets={facet: value}))
    assert list(found) == ([] if path is None else [f"run.facets.{path}"])


@pytest.mark.parametrize(
    ("facet", "value", "path"),
    [
        ("jobType", {"jobType": "DAG", "integration": 7}, "jobType.integration"),
        ("jobType", {"jobType": "DAG", "processingType": None, "_deleted": None}, None),
        ("documentation", {"description": []}, "documentation.description"),
        ("ownership", {"owners": [{"name": "a"}, None]}, "ownership.owners[1]"),
        ("ownership", {"owners": {"name": "a"}}, "ownership.owners"),
        ("tags", {"tags": [{"value": "v"}]}, "tags.tags[0].key"),
        ("tags", {"tags": [{"key": "k", "value": 1}, {"key": "k", "value": None}]}, None),
        ("sourceCodeLocation", {"url": 7}, "sourceCodeLocation.url"),
        ("dbt_node", {"unique_id": 7}, "dbt_node.unique_id"),
    ],
)
def test_problems_of_job_facets(facet: str, value: Any, path: str | None) -> None:
    found = problems(run_event("FAIL", job_facets={facet: value}))
    assert list(found) == ([] if path is None else [f"job.facets.{path}"])


def test_problems_of_datasets() -> None:
    odd = [dataset(""), dataset("x" * 2049), {"namespace": "n"}, None, dataset("t") | {"facets": [], "outputFacets": 7}]
    assert problems(run_event("COMPLETE", inputs={"t": 1}, outputs=odd)) == {
        "inputs": "Expected a list, got an object",
        "outputs[0].name": "It is empty, so outputs[0] is left out",
        "outputs[1].name": "It has 2,049 characters, more than 2,048, so outputs[1] is left out",
        "outputs[2].name": "It is missing, so outputs[2] is left out",
        "outputs[3]": "Expected an object, got null",
        "outputs[t].facets": "Expected an object, got a list",
        "outputs[t].outputFacets": "Expected an object, got a number",
    }


def test_positions_count_what_is_left_out() -> None:
    assert list(problems(run_event("COMPLETE", inputs=[None, dataset("")]))) == ["inputs[0]", "inputs[1].name"]


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("rowCount", 1000.0, (1000, 5, 6)),
        ("rowCount", 10.5, (None, 5, 6)),
        ("rowCount", -1, (None, 5, 6)),
        ("rowCount", "7", (None, 5, 6)),
        ("rowCount", None, (None, 5, 6)),
        ("size", 2**63, (4, None, 6)),
        ("size", 10**400, (4, None, 6)),
        ("size", 2**63 - 1, (4, 2**63 - 1, 6)),
    ],
)
def test_one_bad_count_does_not_drop_the_others(field: str, value: Any, kept: tuple[int | None, ...]) -> None:
    facet = {"rowCount": 4, "size": 5, "fileCount": 6} | {field: value}
    found = contents(run_event("COMPLETE", outputs=[{**dataset("t"), "outputFacets": {"outputStatistics": facet}}]))
    (statistics,) = found.statistics.values()
    assert (statistics.row_count, statistics.size, statistics.file_count) == kept
    is_bad = value is not None and None in kept
    assert [problem.path for problem in found.problems] == (
        [f"outputs[t].outputFacets.outputStatistics.{field}"] if is_bad else []
    )


def test_a_null_or_broken_facet_does_not_replace_one_of_an_earlier_event() -> None:
    for later in (None, 7):
        found = contents(
            run_event("FAIL", run_facets={"errorMessage": {"message": "Boom."}}),
            run_event("OTHER", at(1), run_facets={"errorMessage": later}),
        )
        assert found.error == RunError("Boom.", "", "")
        assert [problem.path for problem in found.problems] == (["run.facets.errorMessage"] if later else [])


def test_of_a_facet_with_a_number_that_is_too_large_all_else_is_shown() -> None:
    body = run_event(run_facets={"custom": {"a": 1, "b": ["HERE", "x"]}}).replace(b'"HERE"', b"1e400")
    found = contents(body)
    assert found.run_facets == {"custom": {"a": 1, "b": ["x"]}}
    assert [problem.path for problem in found.problems] == ["run.facets.custom.b[0]"]


def test_problems_are_bounded() -> None:
    assert len(contents(run_event(inputs=[None] * 3 * MAX_PROBLEMS)).problems) == MAX_PROBLEMS


def test_what_cannot_be_read_at_all_is_a_problem() -> None:
    assert [problem.message for problem in contents_of([json.dumps([])]).problems] == ["Expected an object, got a list"]


def asserted(*successes: bool) -> dict[str, Any]:
    return {"assertions": [{"assertion": "between", "column": "amount", "success": success} for success in successes]}


@pytest.mark.parametrize("successes", [(False, True), (True, False)])
def test_an_assertion_that_comes_twice_is_shown_twice(successes: tuple[bool, ...]) -> None:
    """A failed assertion is not replaced by one of its name that passed."""
    orders = dataset("orders", dataQualityAssertions=asserted(*successes))
    found = contents(run_event("COMPLETE", inputs=[orders])).tests
    assert [test.state for test in found] == ["failed", "passed"]


def test_one_assertion_in_two_facets_is_shown_once_in_its_worse_state() -> None:
    read, written = (dataset("orders", dataQualityAssertions=asserted(success)) for success in (False, True))
    found = contents(run_event("COMPLETE", inputs=[read], outputs=[written])).tests
    assert [test.state for test in found] == ["failed"]
