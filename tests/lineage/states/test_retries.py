"""A failed try that another one follows was retried; what became of the task, its last try tells."""

from itertools import permutations

import pytest

from lineage.models import Job, Run
from tests.lineage.airflow import dag_event, task_event
from tests.lineage.conftest import Sender


def tries(sender: Sender) -> list[tuple[int | None, int | None, str]]:
    """(map index, attempt, state) of the runs of dag.load."""
    shown = Run.objects.shown().of(sender.connection).filter(job__name="dag.load").order_by("map_index", "attempt")
    return [(run.map_index, run.attempt, run.shown_state) for run in shown]


def job_state(sender: Sender) -> str | None:
    return Job.objects.get(connection=sender.connection, name="dag.load").latest_run_state


RECOVERS = [task_event("START", 1), task_event("FAIL", 2), task_event("COMPLETE", 9, attempt=2)]


@pytest.mark.parametrize("bodies", list(permutations(RECOVERS)))
def test_a_retry_that_recovers(sender: Sender, bodies: tuple[bytes, ...]) -> None:
    for body in bodies:
        sender.send(body)
    assert tries(sender) == [(None, 1, "RETRIED"), (None, 2, "COMPLETED")]
    assert job_state(sender) == "COMPLETED"
    assert Run.objects.shown().of(sender.connection).count_with_failures() == (2, 0)


def test_a_retry_that_does_not(sender: Sender) -> None:
    sender.send(*(task_event("FAIL", attempt, attempt=attempt) for attempt in (3, 1, 2)))
    assert tries(sender) == [(None, 1, "RETRIED"), (None, 2, "RETRIED"), (None, 3, "FAILED")]
    assert job_state(sender) == "FAILED"
    assert Run.objects.shown().of(sender.connection).count_with_failures() == (3, 1)


@pytest.mark.usefixtures("soon_after")
def test_a_try_that_was_killed_and_tried_again_does_not_run_any_more(sender: Sender) -> None:
    sender.send(task_event("START", 1), task_event("START", 5, attempt=2))
    assert tries(sender) == [(None, 1, "RETRIED"), (None, 2, "RUNNING")]
    assert Job.objects.get(name="dag.load").running_runs == 1


def test_a_task_that_completed_and_was_cleared_did_complete(sender: Sender) -> None:
    sender.send(task_event("COMPLETE", 1), task_event("FAIL", 5, attempt=2))
    assert tries(sender) == [(None, 1, "COMPLETED"), (None, 2, "FAILED")]


def test_what_the_dag_tells_is_the_outcome_of_the_last_try(sender: Sender) -> None:
    sender.send(dag_event("COMPLETE", 60, {"load": "success"}))
    sender.send(task_event("FAIL", 2), task_event("START", 5, attempt=2))
    assert tries(sender) == [(None, 1, "RETRIED"), (None, 2, "COMPLETED")]


def test_another_dag_run_is_no_retry(sender: Sender) -> None:
    sender.send(task_event("FAIL", 1), task_event("COMPLETE", 90, attempt=2, dag_run="d2"))
    assert tries(sender) == [(None, 1, "FAILED"), (None, 2, "COMPLETED")]


def test_instances_of_a_mapped_task_are_tried_each_for_itself(sender: Sender) -> None:
    sender.send(task_event("FAIL", 1, map_index=0), task_event("FAIL", 2, map_index=1))
    sender.send(task_event("COMPLETE", 5, map_index=1, attempt=2))
    assert tries(sender) == [(0, 1, "FAILED"), (1, 1, "RETRIED"), (1, 2, "COMPLETED")]


def test_a_mapped_task_fails_with_any_of_its_instances(sender: Sender) -> None:
    sender.send(task_event("FAIL", 1, map_index=0), task_event("COMPLETE", 5, map_index=1))
    assert job_state(sender) == "FAILED"
    sender.send(task_event("COMPLETE", 9, map_index=0, attempt=2))
    assert job_state(sender) == "COMPLETED"
    sender.send(
        task_event("FAIL", 20, map_index=0, dag_run="d2"), task_event("COMPLETE", 30, map_index=0, dag_run="d3")
    )
    assert job_state(sender) == "COMPLETED"


def test_a_mapped_task_runs_as_long_as_any_of_its_instances(sender: Sender) -> None:
    sender.send(task_event("START", 1, map_index=0), task_event("START", 2, map_index=1))
    sender.send(task_event("COMPLETE", 5, map_index=1))
    assert job_state(sender) == "RUNNING"
    sender.send(task_event("FAIL", 6, map_index=2))
    assert job_state(sender) == "FAILED"
    sender.send(task_event("START", 7, map_index=2, attempt=2), task_event("COMPLETE", 8, map_index=0))
    assert job_state(sender) == "RUNNING"
    sender.send(task_event("COMPLETE", 9, map_index=2, attempt=2))
    assert job_state(sender) == "COMPLETED"


@pytest.mark.parametrize("state", ["FAILED", "RETRIED", "COMPLETED", "RUNNING", "SKIPPED", "LOST"])
def test_runs_are_found_by_the_state_that_they_are_shown_in(sender: Sender, state: str) -> None:
    sender.send(*RECOVERS, task_event("FAIL", 1, "other"), task_event("START", 1, "third", dag_run="d2"))
    sender.send(dag_event("COMPLETE", 60, {"branch": "skipped"}))
    runs = Run.objects.shown().of(sender.connection)
    assert set(runs.in_state(state)) == {run for run in runs if run.shown_state == state}
