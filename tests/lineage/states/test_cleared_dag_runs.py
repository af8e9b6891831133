"""Airflow DAG runs that somebody clears: the provider (2.20) sends what follows under another run id."""

import json
from datetime import datetime
from itertools import permutations
from typing import Any

import pytest
from openlineage.client.uuid import generate_static_uuid

from lineage.events.contents import RunContents
from lineage.events.senders.airflow.dag_run import MAX_EARLIER_IDS
from lineage.models import Job, Run
from lineage.runs.reasons import reasons_of
from lineage.runs.relations import children_of, shown_instead
from tests.lineage.airflow import dag_event, dag_run_id, task_event
from tests.lineage.build import at
from tests.lineage.conftest import READER, Sender

WHEN = {"run_after": "2026-11-20T00:00:00.123456+00:00"}
WELL, ILL = {"extract": "success", "load": "success"}, {"extract": "success", "load": "failed"}


def about(clear_number: int, *, start: float = 0) -> dict[str, Any]:
    return {"run_id": "manual__2026", "start_date": at(start), "clear_number": clear_number}


def shown(name: str = "dag") -> list[Run]:
    return list(Run.objects.shown().filter(job__name=name).order_by("run_at"))


WHILE_IT_RUNS = [
    dag_event("START", 0, about=about(0), dag_run="before"),
    task_event("START", 1, dag_run="before"),
    task_event("FAIL", 2, dag_run="before"),
    task_event("START", 5, attempt=2, dag_run="after"),
    dag_event("COMPLETE", 60, {"load": "success"}, about=about(1), dag_run="after"),
]


@pytest.mark.parametrize("order", [*permutations(range(5))][::7])
def test_one_that_is_cleared_while_it_runs_is_one_run(sender: Sender, order: tuple[int, ...]) -> None:
    for position in order:
        sender.send(WHILE_IT_RUNS[position])

    [run] = shown()
    assert (str(run.run_id), run.shown_state) == (dag_run_id("after"), "COMPLETED")
    # It sent no START of its own: Airflow keeps the start.
    assert run.started_at == run.first_event_at.replace(minute=0, second=0)
    job = Job.objects.get(name="dag")
    assert (job.latest_run_id, job.latest_run_state, job.running_runs) == (run.id, "COMPLETED", 0)
    before = Run.objects.get(run_id=dag_run_id("before"))
    assert shown_instead(before) == run
    assert {child.attempt for child in children_of(run, READER)} == {1, 2}


def test_until_it_ends_it_runs(sender: Sender) -> None:
    sender.send(*WHILE_IT_RUNS[:4])
    [run] = shown()
    assert (str(run.run_id), run.state) == (dag_run_id("before"), "RUNNING")


def test_one_that_had_ended_begins_anew(sender: Sender) -> None:
    sender.send(
        dag_event("START", 0, about=about(0), dag_run="before"),
        dag_event("FAIL", 30, about=about(0), dag_run="before"),
        dag_event("START", 90, about=about(1, start=90), dag_run="after"),
    )
    assert [(str(run.run_id), run.state) for run in shown()] == [
        (dag_run_id("before"), "FAILED"),
        (dag_run_id("after"), "RUNNING"),
    ]
    sender.send(dag_event("COMPLETE", 99, about=about(1, start=90), dag_run="after"))
    assert [run.state for run in shown()] == ["FAILED", "COMPLETED"]
    assert Job.objects.get(name="dag").latest_run_state == "COMPLETED"


def ended(type_: str, seconds: float, cleared: int, tasks: dict[str, str], *, dag_run: str = "") -> bytes:
    """The end of the DAG run of that is cleared so many times, with the id that the provider gives it then."""
    event = json.loads(dag_event(type_, seconds, tasks, about={**about(cleared, start=seconds), **WHEN}))
    event["run"]["runId"] = dag_run or openlineage_id(cleared)
    return json.dumps(event).encode()


def openlineage_id(cleared: int) -> str:
    instant = datetime.fromisoformat(WHEN["run_after"])
    return str(generate_static_uuid(instant, f"default.dag.{cleared}".encode()))


def of_task(type_: str, seconds: float, task: str, cleared: int) -> bytes:
    event = json.loads(task_event(type_, seconds, task, dag_run=str(cleared)))
    event["run"]["facets"]["parent"]["run"]["runId"] = openlineage_id(cleared)
    return json.dumps(event).encode()


@pytest.mark.parametrize("order", [*permutations(range(5))][::7])
def test_a_task_that_was_not_cleared_is_shown_where_it_ran(sender: Sender, order: tuple[int, ...]) -> None:
    events = [
        of_task("COMPLETE", 1, "extract", 0),
        of_task("FAIL", 2, "load", 0),
        ended("FAIL", 30, 0, ILL),
        of_task("COMPLETE", 95, "load", 2),
        ended("COMPLETE", 99, 2, WELL),
    ]
    for position in order:
        sender.send(events[position])
    [extract] = shown("dag.extract")
    assert (extract.state_from_parent, str(extract.parent_run_id)) == (None, openlineage_id(0))
    assert [run.shown_state for run in shown("dag.load")] == ["FAILED", "COMPLETED"]
    assert Job.objects.get(name="dag.extract").latest_run_id == extract.id


def test_one_that_failed_and_was_not_cleared_tells_where(sender: Sender) -> None:
    """The task is why the DAG run failed again."""
    sender.send(of_task("FAIL", 2, "load", 0), ended("FAIL", 30, 0, ILL), ended("FAIL", 99, 1, ILL))
    failed, again = shown("dag.load")
    [sentence] = reasons_of(again, RunContents(), READER)
    assert sentence.text == "It failed before other tasks of its DAG run were cleared: attempt 1."
    assert [cause.run for cause in sentence.causes] == [failed]


def test_one_that_ran_before_and_was_skipped_now_has_a_run_of_each(sender: Sender) -> None:
    sender.send(of_task("FAIL", 2, "load", 0), ended("FAIL", 30, 0, ILL))
    sender.send(ended("COMPLETE", 99, 1, {**WELL, "load": "skipped"}))
    assert [run.shown_state for run in shown("dag.load")] == ["FAILED", "SKIPPED"]


def test_ids_that_are_made_in_another_way_are_not_guessed(sender: Sender) -> None:
    sender.send(of_task("COMPLETE", 1, "extract", 0), ended("FAIL", 30, 0, ILL))
    sender.send(ended("COMPLETE", 99, 1, WELL, dag_run=dag_run_id("of another version")))
    assert len(shown("dag.extract")) == 2


def test_a_dag_run_that_is_cleared_all_the_time(sender: Sender) -> None:
    sender.send(ended("COMPLETE", 30, 10**9, WELL))
    [told] = shown("dag.extract")
    assert len(told.earlier_parent_run_ids or ()) == MAX_EARLIER_IDS


def test_where_nothing_was_cleared_the_start_is_that_of_the_event(sender: Sender) -> None:
    """`airflow dags test` sends no START, and calls the logical date the start."""
    sender.send(dag_event("COMPLETE", 60, about={**about(0), "start_date": "2026-11-19T00:00:00+00:00"}))
    assert [run.started_at for run in shown()] == [None]


@pytest.mark.parametrize(
    "said",
    [
        {"run_id": "manual__2026", "clear_number": 1},
        {"run_id": "manual__2026", "clear_number": 1, "start_date": "yesterday"},
        {"run_id": "manual__2026", "clear_number": 1, "start_date": None},
        {"run_id": 7, "clear_number": 1, "start_date": at(0)},
    ],
)
def test_a_facet_that_says_too_little_is_as_if_it_were_absent(sender: Sender, said: dict[str, Any]) -> None:
    for dag_run in ("before", "after"):
        sender.send(dag_event("COMPLETE", 60, about=said, dag_run=dag_run))
    assert [run.started_at for run in shown()] == [None, None]
