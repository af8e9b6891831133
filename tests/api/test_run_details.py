"""Details of a run that a list leaves out: equal to those of its page."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.api.rows import show_to_everyone
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import NOW, Sender, make_sender

pytestmark = pytest.mark.django_db

Read = Callable[..., Any]
RUN, PARENT, FIRST_TRY = (str(UUID(int=number)) for number in (1, 2, 3))
ABOVE = {"parent": {"run": {"runId": PARENT}, "job": {"namespace": "namespace", "name": "dag"}}}


@pytest.fixture
def sender() -> Sender:
    return make_sender()


def a_try(number: int) -> dict[str, Any]:
    return {**ABOVE, "airflow": {"taskInstance": {"try_number": number, "map_index": -1}, "task": {"retries": 1}}}


def test_the_stack_trace_is_whole(sender: Sender, read: Read) -> None:
    show_to_everyone(sender.connection)
    error = {"message": "Boom.", "programmingLanguage": "python", "stackTrace": "File one\n" * 1000}
    sender.send(run_event("FAIL", run=RUN, run_facets={"errorMessage": error}))
    assert read(f"runs/{RUN}")["error"] == {
        "message": "Boom.",
        "programming_language": "python",
        "stack_trace": "File one\n" * 1000,
    }


def test_tries_and_parents_are_named_with_their_states(sender: Sender, read: Read) -> None:
    sender.send(run_event("START", run=PARENT, job="dag"))
    sender.send(run_event("START", run=FIRST_TRY, job="dag.task", run_facets=a_try(1)))
    sender.send(run_event("FAIL", at(1), run=FIRST_TRY, job="dag.task", run_facets=a_try(1)))
    sender.send(run_event("COMPLETE", at(2), run=RUN, job="dag.task", run_facets=a_try(2)))
    shown = read(f"runs/{RUN}")
    assert shown["tries"] == [
        {"id": FIRST_TRY, "attempt": 1, "state": "RETRIED"},
        {"id": RUN, "attempt": 2, "state": "COMPLETED"},
    ]
    assert shown["parent"]["connection_id"] == str(sender.connection.pk)
    children = read(f"runs/{PARENT}/children")["results"]
    assert [(run["id"], run["state"]) for run in children] == [(FIRST_TRY, "RETRIED"), (RUN, "COMPLETED")]
    assert [run["id"] for run in read(f"runs/{PARENT}/children", state="RETRIED")["results"]] == [FIRST_TRY]


def test_the_reason_names_other_runs(sender: Sender, read: Read) -> None:
    sender.send(run_event("START", run=FIRST_TRY, job="dag.task", run_facets=a_try(1)))
    sender.send(run_event("FAIL", at(1), run=FIRST_TRY, job="dag.task", run_facets=a_try(1)))
    sender.send(run_event("COMPLETE", at(2), run=RUN, job="dag.task", run_facets=a_try(2)))
    shown = read(f"runs/{FIRST_TRY}")
    assert shown["reason"] == "It failed, and was tried again: attempt 2, completed."
    assert shown["reason_runs"] == [RUN]
    assert (read(f"runs/{RUN}")["reason"], read(f"runs/{RUN}")["reason_runs"]) == (None, [])


def test_children_are_found_in_other_connections(read: Read) -> None:
    airflow, dbt = make_sender(), make_sender()
    airflow.send(run_event("START", run=PARENT, job="dag"))
    dbt.send(run_event("START", run=RUN, job="model", run_facets=ABOVE))
    assert [run["connection_id"] for run in read(f"runs/{PARENT}/children")["results"]] == [str(dbt.connection.pk)]
    assert read(f"runs/{RUN}")["parent"]["connection_id"] == str(airflow.connection.pk)


def test_datasets_tests_and_facets_are_read_from_the_events(sender: Sender, read: Read) -> None:
    show_to_everyone(sender.connection)
    rows = {"outputStatistics": {"rowCount": 42, "size": 1024, "fileCount": 1}}
    checked = {"dataQualityAssertions": {"assertions": [{"assertion": "not_null", "success": False, "column": "id"}]}}
    sender.send(
        run_event(
            "COMPLETE",
            run=RUN,
            run_facets={"custom": {"answer": 42}},
            job_facets={"sql": {"query": "SELECT 1"}},
            inputs=[{**dataset("raw"), "inputFacets": checked}],
            outputs=[{**dataset("mart"), "outputFacets": rows}],
        )
    )
    shown = read(f"runs/{RUN}")
    counts = [(row["name"], row["direction"], row["rows"], row["bytes"], row["files"]) for row in shown["datasets"]]
    assert counts == [("mart", "WRITES", 42, 1024, 1), ("raw", "READS", None, None, None)]
    assert [(test["dataset"], test["assertion"], test["column"]) for test in shown["tests"]] == [
        ("raw", "not_null", "id")
    ]
    assert shown["facets"]["run"]["custom"] == {"answer": 42}
    assert shown["facets"]["job"]["sql"] == {"query": "SELECT 1"}
    assert shown["events_read"] == shown["event_count"] == 1


def test_what_is_not_as_openlineage_has_it_is_told(sender: Sender, read: Read) -> None:
    sender.send(run_event("COMPLETE", run=RUN, run_facets={"custom": "a word"}))
    assert read(f"runs/{RUN}")["problems"] == [{"path": "run.facets.custom", "message": "Expected an object, got text"}]


def test_events_that_arrived_out_of_order_are_told(sender: Sender, read: Read) -> None:
    sender.send(run_event("COMPLETE", at(2), run=RUN))
    assert read(f"runs/{RUN}")["events_out_of_order"] is False
    sender.send(run_event("START", at(1), run=RUN), now=NOW + timedelta(seconds=1))
    assert read(f"runs/{RUN}")["events_out_of_order"] is True


def test_a_job_says_how_it_is_and_why(sender: Sender, read: Read) -> None:
    """The words are those of its page."""
    sender.send(run_event("START", at(0), run=FIRST_TRY, job="dag"))
    sender.send(run_event("FAIL", at(1), run=FIRST_TRY, job="dag"))
    sender.send(run_event("START", at(10), run=PARENT, job="dag"))
    sender.send(run_event("FAIL", at(12), run=RUN, job="dag.task", run_facets=ABOVE))
    sender.send(run_event("FAIL", at(13), run=PARENT, job="dag"))
    job = read(f"runs/{PARENT}")["job"]
    shown = read(f"jobs/{job['id']}")
    assert shown["story"] == "The latest 2 runs failed, the last one after 3.0 s."
    assert (shown["reason"], shown["reason_runs"]) == ("Failed in it: task.", [RUN])
    assert [run["state"] for run in shown["recent_runs"]] == ["FAILED", "FAILED"]


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        (["ValueError: boom"], "Failed in it: task_0: ValueError: boom."),
        (["Is it there?"], "Failed in it: task_0: Is it there?"),
        (["x" * 500], f"Failed in it: task_0: {'x' * 199}\N{HORIZONTAL ELLIPSIS}"),
        (["ValueError: boom", "KeyError: 'id'"], "Failed in it: task_0, task_1."),
    ],
)
def test_of_a_single_task_that_failed_in_it_a_job_says_why(
    sender: Sender, read: Read, messages: list[str], reason: str
) -> None:
    for number, message in enumerate(messages):
        facets = {**ABOVE, "errorMessage": {"message": message, "programmingLanguage": "python"}}
        run = f"01234567-89ab-cdef-0123-00000000000{number}"
        sender.send(run_event("FAIL", at(12 + number), run=run, job=f"dag.task_{number}", run_facets=facets))
    sender.send(run_event("FAIL", at(15), run=PARENT, job="dag"))
    assert read(f"jobs/{read(f'runs/{PARENT}')['job']['id']}")["reason"] == reason


def test_a_job_shows_its_runs_datasets_and_what_it_contains(sender: Sender, read: Read) -> None:
    sender.send(run_event("START", run=PARENT, job="dag", outputs=[dataset("mart")], inputs=[dataset("raw")]))
    sender.send(run_event("FAIL", at(1), run=RUN, job="dag.task", run_facets=ABOVE))
    shown = read(f"jobs/{read(f'runs/{PARENT}')['job']['id']}")
    assert [(run["id"], run["run_at"]) for run in shown["recent_runs"]] == [(PARENT, "2026-11-20T12:00:00Z")]
    assert [(table["name"], table["is_current"]) for table in shown["reads"]] == [("raw", True)]
    assert [(table["name"], table["last_at"]) for table in shown["writes"]] == [("mart", "2026-11-20T12:00:00Z")]
    assert [(job["name"], job["latest_run"]["state"]) for job in shown["contains"]] == [("dag.task", "FAILED")]


def test_several_runs_with_one_run_id_are_chosen_by_job(read: Read, sender: Sender) -> None:
    for job, type_ in (("dag.submit", "COMPLETE"), ("app.insert", "FAIL")):
        sender.send(run_event(type_, at(9), run=PARENT, job=job))
    error = read(f"runs/{PARENT}", 300)["error"]
    assert (error["code"], error["message"][:26]) == ("several_runs", "2 runs have this id. Choos")
    states = {}
    for choice in error["detail"]["job"]:
        job_id, name = choice.split(" ", 1)
        found = read(f"runs/{PARENT}", job=job_id)
        assert (found["id"], found["job"]["name"]) == (PARENT, name)
        assert len(read(f"runs/{PARENT}/events", job=job_id)["results"]) == 1
        states[name] = found["state"]
    assert states == {"dag.submit": "COMPLETED", "app.insert": "FAILED"}
    assert "job" in read(f"runs/{PARENT}", 400, job="x")["error"]["detail"]
    assert "map_index" in read(f"runs/{PARENT}", 400, map_index="x")["error"]["detail"]
    read(f"runs/{PARENT}", 404, map_index="1")


def test_large_events_are_told_of_and_read_on_demand(sender: Sender, read: Read) -> None:
    """The row of a run has only the error's message; the rest is read by `read=all`."""
    show_to_everyone(sender.connection)
    plan = {"plan": "x" * 600_000}
    error = {"message": "Boom.", "programmingLanguage": "JAVA", "stackTrace": "at X"}
    statistics = {"outputStatistics": {"rowCount": 7}}
    written = dataset("orders") | {"outputFacets": statistics}
    sender.send(run_event("START", at(0), run=RUN, run_facets={"spark.logicalPlan": plan, "spark_version": {"v": 4}}))
    failed = {"errorMessage": error, "spark.logicalPlan": plan}
    sender.send(run_event("FAIL", at(9), run=RUN, run_facets=failed, outputs=[written]))
    found = read(f"runs/{RUN}")
    assert (found["error"]["message"], found["events_read"], found["event_count"]) == ("Boom.", 0, 2)
    whole = read(f"runs/{RUN}", read="all")
    assert (whole["error"]["stack_trace"], whole["datasets"][0]["rows"], whole["events_read"]) == ("at X", 7, 2)
    assert whole["facets"]["run"]["spark_version"] == {"v": 4}
    assert "read" in read(f"runs/{RUN}", 400, read="some")["error"]["detail"]


def test_links_lead_to_the_orchestrator(sender: Sender, read: Read) -> None:
    url = "https://airflow.example/log"
    sender.send(run_event("START", run=RUN, run_facets={"airflow": {"taskInstance": {"log_url": url}}}))
    links = [{"title": "Airflow task log", "url": url}]
    run = read(f"runs/{RUN}")
    assert run["links"] == links
    assert read(f"jobs/{run['job']['id']}")["links"] == links


def test_the_receipt_is_given_and_an_impossible_duration_is_null(sender: Sender, read: Read) -> None:
    sender.send(run_event("START", "0001-01-01T00:00:00Z", run=RUN), run_event("COMPLETE", at(1), run=RUN))
    shown = read(f"runs/{RUN}")
    assert (shown["started_at"], shown["duration_ms"]) == ("0001-01-01T00:00:00Z", None)
    assert shown["received_at"] == "2026-11-21T06:00:00Z"
