"""Reasons for a run's state, as sentences that name the run that is the cause."""

from datetime import datetime
from typing import Any

import pytest
import time_machine
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from lineage.models import Run
from lineage.runs.facets_of_run import read_run
from lineage.runs.reasons import Sentence, reasons_of
from lineage.states.deadlines import sweep
from tests.lineage.airflow import dag_event, dag_run_id, task_event, task_run_id
from tests.lineage.build import at, run_event
from tests.lineage.conftest import READER, Sender

pytestmark = pytest.mark.django_db

RUN = "00000000-0000-0000-0000-000000000001"
APP = "00000000-0000-0000-0000-00000000000a"
BOOM = {"errorMessage": {"message": "Boom.", "programmingLanguage": "python"}}


@pytest.fixture(autouse=True)
def now() -> Any:
    with time_machine.travel("2026-11-20T14:00:00Z", tick=False):
        yield


def sentences(sender: Sender, run: str = RUN, **by: Any) -> list[Sentence]:
    wanted = by or {"run_id": run}
    found = Run.objects.select_related("job").get(connection=sender.connection, **wanted)
    return reasons_of(found, read_run(found).contents, READER)


def said(sender: Sender, run: str = RUN, **by: Any) -> str:
    return " ".join(sentence.text for sentence in sentences(sender, run, **by))


def of_task(task: str) -> dict[str, Any]:
    return {"job__name": f"dag.{task}", "state_from_parent__isnull": False}


def dag_start(**following: list[str]) -> bytes:
    tasks = {task: {"downstream_task_ids": others} for task, others in following.items()}
    facets = {"airflow": {"tasks": tasks}, "jobType": {"jobType": "DAG", "integration": "AIRFLOW"}}
    return run_event("START", at(0), run=dag_run_id(), job="dag", namespace="default", job_facets=facets)


# --- Of one run ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (run_event("FAIL", at(9)), "Its sender gave no reason."),
        (run_event("FAIL", at(9), run_facets=BOOM), ""),
        (run_event("COMPLETE", at(9)), ""),
        (run_event("RUNNING", at(9)), ""),
        (run_event("ABORT", at(9)), "Its sender says that it was stopped before it was done, and gave no reason."),
        (run_event("ABORT", at(9), run_facets=BOOM), "Its sender says that it was stopped before it was done."),
        (
            run_event("OTHER", at(9)),
            "Only events of type OTHER, or without a type, were received: none says that it began",
        ),
        (
            run_event("START", "2026-11-17T12:00:00Z"),
            "No event of it was received since 2026-11-17 12:00:00 UTC: longer",
        ),
    ],
)
def test_what_its_own_events_leave_open(sender: Sender, event: bytes, expected: str) -> None:
    sender.send(event)
    assert said(sender).startswith(expected)
    assert bool(said(sender)) == bool(expected)


def test_a_failed_test_says_itself_why(sender: Sender) -> None:
    assertion = {"assertion": "not_null", "success": False}
    inputs = [{"namespace": "db", "name": "t", "inputFacets": {"dataQualityAssertions": {"assertions": [assertion]}}}]
    sender.send(run_event("FAIL", at(9), inputs=inputs))
    assert said(sender) == ""


def test_a_run_whose_children_say_why_gives_their_reason(sender: Sender) -> None:
    """Spark's applications and many orchestrators say nothing at their own end."""
    of_app = {"parent": {"run": {"runId": APP}, "job": {"namespace": "namespace", "name": "app"}}}
    sender.send(run_event("FAIL", at(9), run=APP, job="app"))
    assert said(sender, APP) == "Its sender gave no reason."
    sender.send(run_event("FAIL", at(8), job="app.load", run_facets=of_app | BOOM))
    assert said(sender, APP) == "Failed in it: load: Boom."


# --- Of tries ------------------------------------------------------------------------------------------------------


def test_a_run_that_was_stopped_names_what_failed_in_it(sender: Sender) -> None:
    sender.send(
        dag_start(), task_event("FAIL", 2), run_event("ABORT", at(9), run=dag_run_id(), job="dag", namespace="default")
    )
    assert said(sender, dag_run_id()).endswith("was stopped before it was done. Failed in it: load.")


def test_a_try_says_which_it_was_and_what_came_after(sender: Sender) -> None:
    sender.send(task_event("START", 1), task_event("FAIL", 2))
    assert said(sender, task_run_id("load")) == "It was attempt 1 of 3; no later one was received."
    sender.send(task_event("START", 3, attempt=2), task_event("START", 5, attempt=3), task_event("FAIL", 6, attempt=3))
    assert said(sender, task_run_id("load")) == "It failed, and was tried again: attempt 3, failed."
    # Its worker was killed.
    assert said(sender, task_run_id("load", 2)) == "It sent no end, and was tried again: attempt 3, failed."
    assert said(sender, task_run_id("load", 3)) == "It was attempt 3 of 3, the last."
    (sentence,) = sentences(sender, task_run_id("load"))
    assert [str(cause.run.run_id) for cause in sentence.causes] == [task_run_id("load", 3)]


def test_a_try_beyond_the_retries_says_nothing_of_others(sender: Sender) -> None:
    """The task was cleared, and Airflow continued the count."""
    sender.send(task_event("FAIL", 9, attempt=4))
    assert said(sender, task_run_id("load", 4)) == "Its sender gave no reason."


# --- Of tasks of which their DAG run tells -------------------------------------------------------------------------


def test_upstream_failed_names_the_task_that_failed(sender: Sender) -> None:
    sender.send(
        dag_start(extract=["load"], other=["report"], load=["publish"], publish=["notify"]),
        *(task_event(type_, n, task) for task in ("extract", "other") for n, type_ in ((1, "START"), (2, "FAIL"))),
        dag_event("FAIL", 9, {"extract": "failed", "other": "failed", "notify": "upstream_failed"}),
    )
    (sentence,) = sentences(sender, **of_task("notify"))
    assert sentence.text == "It never ran: extract failed before it."
    assert [str(cause.run.run_id) for cause in sentence.causes] == [task_run_id("extract")]


def test_without_the_order_of_tasks_all_that_failed_are_named(sender: Sender) -> None:
    failed = [f"load_{n}" for n in range(5)]
    sender.send(
        *(task_event("FAIL", n, task, retries=0) for n, task in enumerate(failed)),
        dag_event("FAIL", 9, {**dict.fromkeys(failed, "failed"), "notify": "upstream_failed"}),
    )
    assert said(sender, **of_task("notify")) == (
        "It never ran: what it depends on failed. Failed in the same run: load_0, load_1, load_2 and others."
    )


def test_skipped_says_by_what(sender: Sender) -> None:
    states = dict.fromkeys(("left", "after_left"), "skipped")
    sender.send(
        dag_start(branch=["left", "right"], left=["after_left"]),
        task_event("COMPLETE", 1, "branch"),
        task_event("COMPLETE", 2, "empty_handed"),
        dag_event("COMPLETE", 9, {"branch": "success", "lonely": "skipped", "empty_handed": "skipped", **states}),
    )
    assert (
        said(sender, **of_task("left")) == "Airflow skipped it after branch: a branch or a condition went another way."
    )
    assert said(sender, **of_task("after_left")) == "It follows left, which was skipped, too."
    assert said(sender, **of_task("lonely")) == "Airflow skipped it: a branch or a condition went another way."
    assert said(sender, task_run_id("empty_handed")) == "It skipped itself."


@pytest.mark.parametrize(
    ("states", "why"),
    [
        ({"list": "success"}, "it was mapped over nothing."),
        ({"list": "success", "load": "skipped"}, "a branch or a condition went another way."),
        ({"list": "success", "other": None}, "it was mapped over nothing, or its trigger rule left it out."),
    ],
)
def test_a_task_that_was_mapped_over_nothing(sender: Sender, states: dict[str, str | None], why: str) -> None:
    sender.send(
        dag_start(list=["load"]),
        task_event("COMPLETE", 1, "list"),
        dag_event("COMPLETE", 9, states, durations={"list": 1.0, "load": 0.0}),
    )
    assert said(sender, **of_task("load")) == f"Airflow skipped it after list: {why}"


def test_without_the_order_of_tasks_nothing_is_named_that_was_mapped(sender: Sender, sample_lines: Any) -> None:
    sender.send(*sample_lines("airflow-fidelity"))
    mapped: dict[str, Any] = {"job__name": "mapped_over_nothing.load", "state_from_parent__isnull": False}
    assert said(sender, **mapped) == "Airflow skipped it: it was mapped over nothing."


def test_a_dag_run_whose_time_was_up_says_so_and_its_tasks_do(sender: Sender) -> None:
    sender.send(dag_event("FAIL", 9, {"load": "running"}, message="timed_out"))
    assert said(sender, dag_run_id()) == "Its time was up (dagrun_timeout)."
    assert said(sender, **of_task("load")) == "The time of its DAG run was up (dagrun_timeout) before it was done."
    sender.send(dag_event("FAIL", 10, {}, durations={"load": 0.0}, message="timed_out"))
    assert said(sender, **of_task("load")) == "The time of its DAG run was up (dagrun_timeout) before it was done."


def test_what_a_dag_run_says_of_silent_and_killed_tasks(sender: Sender) -> None:
    sender.send(
        dag_start(),
        task_event("START", 1, "killed", retries=0),
        dag_event("FAIL", 9, {"empty": "success", "killed": "failed", "unheard": "failed"}, message="task_failure"),
    )
    assert said(sender, **of_task("empty")) == (
        "dag says that it completed; it sent no event of its own. Airflow's empty operators send nothing."
    )
    assert said(sender, **of_task("unheard")) == "dag says that it failed; it sent no event of its own."
    assert said(sender, task_run_id("killed")) == (
        "It sent no end: its worker may have been killed. dag says that it failed."
    )
    assert said(sender, dag_run_id()) == "A task failed."


def test_lost_names_the_parent_that_ended_without_it(sender: Sender) -> None:
    sender.send(dag_event("START", 0), task_event("START", 5, map_index=1), dag_event("COMPLETE", 600, {}))
    sweep(timezone.now())
    assert said(sender, task_run_id("load", map_index=1)) == (
        "No event of it was received since 2026-11-20 12:00:05 UTC: dag ended at 2026-11-20 12:10:00 UTC, and this one "
        "sent no end. An event that comes later revives it."
    )


def command(sender: Sender) -> str:
    """Return the sentence about what a task started."""
    facets = {"parent": {"run": {"runId": task_run_id("load")}, "job": {"namespace": "default", "name": "dag.load"}}}
    sender.send(run_event("START", at(6), job="dbt-run-shop", run_facets=facets))
    sweep(timezone.now())
    return said(sender)


def test_lost_names_the_killed_task_that_started_it_also_in_another_connection(new_sender: Any) -> None:
    airflow, dbt = new_sender(), new_sender()
    airflow.send(task_event("START", 5), dag_event("FAIL", 900, {"load": "failed"}, durations={"load": 595}))
    for sender in (airflow, dbt):
        assert command(sender) == (
            "No event of it was received since 2026-11-20 12:00:06 UTC: dag.load ended at 2026-11-20 12:10:00 UTC, and "
            "this one sent no end. An event that comes later revives it."
        )


def test_lost_names_the_killed_try_that_started_it(sender: Sender) -> None:
    sender.send(task_event("START", 5), task_event("START", 300, attempt=2))
    assert command(sender) == (
        "No event of it was received since 2026-11-20 12:00:06 UTC: dag.load was tried again "
        "at 2026-11-20 12:05:00 UTC, and this one sent no end. An event that comes later revives it."
    )


# --- Of dbt's ------------------------------------------------------------------------------------------------------


def test_a_failed_test_of_dbt_s_without_a_result_names_what_it_may_be(sender: Sender, sample_lines: Any) -> None:
    sender.send(*sample_lines("dbt-build-doubt"))
    assert "--fail-fast" in said(sender, job__name="model.shop.lonely.test")
    assert "--fail-fast" in said(sender, job__name="test.shop.no_odd_amounts")
    assert "--fail-fast" not in said(sender, job__name="test.shop.no_small_totals")
    assert "--fail-fast" not in said(sender, job__name="test.shop.no_large_refunds")


def test_dbt_names_what_failed_in_the_same_command(sender: Sender, sample_lines: Any) -> None:
    sender.send(*sample_lines("dbt-build-struct"), *sample_lines("dbt-build-doubt"))
    runs = Run.objects.shown().of(sender.connection).select_related("job").filter(shown_state="SKIPPED")
    told = {run.job.name: said(sender, str(run.run_id)) for run in runs}
    assert told
    assert all(text.startswith("dbt skipped it") for text in told.values())
    assert any("Failed in the same command: " in text for text in told.values())


# --- Of all --------------------------------------------------------------------------------------------------------


def test_every_run_of_the_samples_in_few_queries(sender: Sender, sample_lines: Any) -> None:
    sender.send(*sample_lines())
    unexplained = set()
    for run in Run.objects.of(sender.connection).select_related("job"):
        contents = read_run(run).contents
        with CaptureQueriesContext(database) as captured:
            found = reasons_of(run, contents, READER)
        assert len(captured) <= 12
        if not found and not contents.error and not contents.tests:
            unexplained.add(run.shown_state)
    assert unexplained <= {"RUNNING", "COMPLETED"}


def test_the_words_do_not_change_with_the_time(sender: Sender) -> None:
    sender.send(run_event("START", "2026-11-17T12:00:00Z"))
    before = said(sender)
    with time_machine.travel(datetime.fromisoformat("2026-11-20T14:05:00Z"), tick=False):
        assert said(sender) == before
