"""Tasks of which the DAG's last event alone tells: skipped, failed upstream, never handed to a worker, killed."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import permutations

import pytest

from lineage.models import Event, Job, Run
from lineage.runs.relations import children_of
from lineage.states.deadlines import sweep
from tests.lineage.airflow import dag_event, dag_run_id, task_event
from tests.lineage.conftest import NOW, READER, Sender


def states(sender: Sender, dag_run: str = "d1") -> dict[str, str]:
    """Job → the state of its only shown run in the DAG run."""
    shown = Run.objects.shown().of(sender.connection).filter(parent_run_id=dag_run_id(dag_run))
    found = sorted((run.job.name, run.shown_state) for run in shown)
    assert len(dict(found)) == len(found)
    return dict(found)


def latest(sender: Sender, name: str = "dag.load") -> tuple[str | None, int]:
    job = Job.objects.get(connection=sender.connection, name=name)
    return job.latest_run_state, job.running_runs


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("success", "COMPLETED"),
        ("failed", "FAILED"),
        ("skipped", "SKIPPED"),
        ("upstream_failed", "UPSTREAM_FAILED"),
    ],
)
def test_a_task_that_never_reported_has_a_run_in_the_state_that_its_dag_tells(
    sender: Sender, told: str, shown: str
) -> None:
    sender.send(dag_event("COMPLETE", 60, {"grp.load": told}))
    run = Run.objects.shown().get(job__name="dag.grp.load")
    assert (run.shown_state, run.started_at, run.ended_at, run.event_count) == (shown, None, None, 0)
    assert str(run.parent_run_id) == str(run.root_run_id) == dag_run_id()
    assert (run.job.kind, run.job.integration, run.job.latest_run_state) == ("TASK", "AIRFLOW", shown)
    assert Event.objects.count() == 1


@pytest.mark.parametrize("told", ["removed", "running", "deferred", "new in Airflow 9"])
def test_what_is_no_final_state_is_not_told(sender: Sender, told: str | None) -> None:
    sender.send(dag_event("COMPLETE", 60, {"load": told}))
    assert states(sender) == {}
    assert not Job.objects.filter(name="dag.load").exists()


@pytest.mark.parametrize(("type_", "message"), [("COMPLETE", None), ("FAIL", "task_failure"), ("FAIL", "timed_out")])
@pytest.mark.parametrize("told", [{"load": None}, {}])
def test_a_task_without_a_state_was_skipped(
    sender: Sender, told: dict[str, str | None], type_: str, message: str | None
) -> None:
    """The task is mapped over an empty list. Airflow's client leaves out null values."""
    sender.send(dag_event(type_, 60, told, durations={"load": 0.0}, message=message))
    assert states(sender) == {"dag.load": "SKIPPED"}


def test_in_a_deadlock_tasks_stay_without_a_state(sender: Sender) -> None:
    sender.send(dag_event("FAIL", 60, {"load": None}, message="all_tasks_deadlocked"))
    assert states(sender) == {}


@pytest.mark.parametrize("told", ["running", "queued", "up_for_retry", "deferred"])
def test_what_is_open_when_the_time_is_up_is_skipped(sender: Sender, told: str) -> None:
    """Airflow sends the event before it skips them."""
    facts = dag_event("FAIL", 60, {"load": told, "extract": "success", "odd": "removed"}, message="timed_out")
    sender.send(task_event("START", 5), facts)
    assert states(sender) == {"dag.load": "SKIPPED", "dag.extract": "COMPLETED"}
    assert latest(sender) == ("SKIPPED", 0)


@pytest.mark.parametrize("facet", [None, [], {}, {"tasksState": ["load"]}, {"tasksState": {"load": 1}}])
def test_a_broken_facet_is_as_if_it_were_absent(sender: Sender, facet: object) -> None:
    event = dag_event("COMPLETE", 60, {"load": "skipped"})
    body = event.replace(b'{"dagRunState": "success", "tasksState": {"load": "skipped"}}', json.dumps(facet).encode())
    assert body != event
    assert sender.send(body).stored == 1
    assert states(sender) == {}


def test_only_the_end_of_a_dag_run_tells(sender: Sender) -> None:
    sender.send(dag_event("RUNNING", 30, {"load": "success"}))
    assert states(sender) == {}


REPORTED = [task_event("START", 5), task_event("COMPLETE", 9), dag_event("COMPLETE", 60, {"load": "success"})]


@pytest.mark.parametrize("bodies", list(permutations(REPORTED)))
def test_a_task_that_reported_is_shown_once_in_any_order(sender: Sender, bodies: tuple[bytes, ...]) -> None:
    for body in bodies:
        sender.send(body)
    run = Run.objects.shown().get(job__name="dag.load")
    assert (run.shown_state, run.event_count) == ("COMPLETED", 2)
    assert Job.objects.get(name="dag.load").latest_run_id == run.id
    assert [child.id for child in children_of(Run.objects.get(job__name="dag"), READER)] == [run.id]


@pytest.mark.parametrize("dag_first", [True, False])
@pytest.mark.parametrize(("told", "shown"), [("failed", "FAILED"), ("success", "COMPLETED"), ("skipped", "SKIPPED")])
def test_an_open_task_run_is_closed(sender: Sender, told: str, shown: str, dag_first: bool) -> None:
    """The worker of the task was killed, and sent no end."""
    bodies = [task_event("START", 5), dag_event("COMPLETE", 60, {"load": told})]
    for body in bodies[::-1] if dag_first else bodies:
        sender.send(body)
    assert states(sender) == {"dag.load": shown}
    assert latest(sender) == (shown, 0)


KILLED = [task_event("START", 5), dag_event("FAIL", 60, {"load": "failed"}, durations={"load": 12.5})]


@pytest.mark.parametrize("bodies", list(permutations(KILLED)))
def test_a_task_that_sent_no_end_ended_as_long_after_its_start_as_its_dag_tells(
    sender: Sender, bodies: tuple[bytes, ...]
) -> None:
    for body in bodies:
        sender.send(body)
    run = Run.objects.shown().get(job__name="dag.load")
    assert (run.shown_state, run.ended_at) == ("FAILED", None)
    assert run.shown_ended_at == run.started_at + timedelta(seconds=12.5)
    assert Job.objects.get(name="dag.load").latest_run_ended_at == run.shown_ended_at


def test_an_end_that_was_sent_stands(sender: Sender) -> None:
    sender.send(task_event("FAIL", 9), *KILLED)
    run = Run.objects.shown().get(job__name="dag.load")
    assert run.shown_ended_at == run.ended_at == run.started_at + timedelta(seconds=4)


@pytest.mark.parametrize("seconds", [0, -1, 1e300, None, "soon"])
def test_a_duration_that_is_none_tells_no_end(sender: Sender, seconds: object) -> None:
    sender.send(KILLED[0], KILLED[1].replace(b"12.5", json.dumps(seconds).encode()))
    run = Run.objects.shown().get(job__name="dag.load")
    assert (run.shown_state, run.shown_ended_at) == ("FAILED", None)


def test_the_duration_is_that_of_the_last_try(sender: Sender) -> None:
    sender.send(task_event("START", 1, attempt=1), task_event("START", 5, attempt=2), KILLED[1])
    first, second = Run.objects.shown().filter(job__name="dag.load").order_by("attempt")
    assert (first.shown_state, first.shown_ended_at) == ("RETRIED", None)
    assert second.shown_ended_at == second.started_at + timedelta(seconds=12.5)


def test_the_duration_of_one_instance_says_nothing_of_the_others(sender: Sender) -> None:
    sender.send(task_event("START", 5, map_index=0), KILLED[1])
    assert Run.objects.shown().get(job__name="dag.load").shown_ended_at is None


def test_a_task_that_skipped_itself_is_skipped(sender: Sender) -> None:
    """The provider sends COMPLETE for it."""
    sender.send(task_event("START", 5), task_event("COMPLETE", 9), dag_event("COMPLETE", 60, {"load": "skipped"}))
    assert states(sender) == {"dag.load": "SKIPPED"}
    assert latest(sender) == ("SKIPPED", 0)


def test_what_a_task_reports_after_its_dag_run_ended_stands(sender: Sender) -> None:
    sender.send(dag_event("COMPLETE", 60, {"load": "success"}), task_event("START", 50), task_event("FAIL", 70))
    assert states(sender) == {"dag.load": "FAILED"}


def test_of_two_ends_of_a_dag_run_the_later_tells(sender: Sender) -> None:
    for seconds, told in ((70, "failed"), (60, "success"), (50, "skipped")):
        sender.send(dag_event("COMPLETE", seconds, {"load": told}))
    assert states(sender) == {"dag.load": "FAILED"}


@pytest.mark.usefixtures("soon_after")
def test_another_dag_run_is_another_matter(sender: Sender) -> None:
    sender.send(dag_event("COMPLETE", 60, {"load": "skipped"}), task_event("START", 90, dag_run="d2"))
    assert states(sender, "d1") == {"dag.load": "SKIPPED"}
    assert states(sender, "d2") == {"dag.load": "RUNNING"}
    assert latest(sender) == ("RUNNING", 1)


def test_one_state_for_all_instances_says_nothing_of_one(sender: Sender) -> None:
    sender.send(task_event("START", 5, map_index=0), task_event("START", 6, map_index=1))
    sender.send(task_event("COMPLETE", 9, map_index=1), dag_event("COMPLETE", 60, {"load": "success"}))
    sweep(NOW)
    shown = Run.objects.shown().filter(job__name="dag.load").order_by("map_index")
    assert [(run.map_index, run.state) for run in shown] == [(0, "RUNNING"), (1, "COMPLETED")]
    # Nobody tells of its end, and its DAG run is over.
    assert [run.shown_state for run in shown] == ["LOST", "COMPLETED"]


def test_samples_show_what_airflow_showed(sender: Sender, sample_lines: Callable[..., list[bytes]]) -> None:
    sender.send(*sample_lines("airflow-scheduler"))
    shown = Run.objects.shown().of(sender.connection)
    assert {run.shown_state for run in shown.filter(job__name="flaky_hourly.after")} == {"UPSTREAM_FAILED"}
    assert shown.filter(job__name="flaky_hourly.after").count() == 3
    assert {run.shown_state for run in shown.filter(job__name="shop_daily.skip_empty")} == {"COMPLETED"}
    tries = shown.filter(job__name="flaky_hourly.boom").order_by("attempt").values_list("attempt", "shown_state")
    assert set(tries) == {(1, "RETRIED"), (2, "FAILED")}
    assert Job.objects.get(name="flaky_hourly.after").latest_run_state == "UPSTREAM_FAILED"


def test_runs_are_found_by_what_their_dag_told_of_them(sender: Sender) -> None:
    told = {"skips_itself": "skipped", "completes": "success", "is_killed": "skipped", "waits": "upstream_failed"}
    sender.send(
        task_event("COMPLETE", 20, "skips_itself"),
        task_event("COMPLETE", 20, "completes"),
        task_event("START", 20, "is_killed"),
        task_event("FAIL", 20, "waits"),
        task_event("FAIL", 20, "fails"),
        dag_event("COMPLETE", 60, told),
        dag_event("COMPLETE", 60, {"never_began": "skipped", "failed": "failed"}, dag_run="d2"),
    )
    found = {
        state: {run.job.name.removeprefix("dag.") for run in Run.objects.shown().in_state(state)}
        for state in ("SKIPPED", "UPSTREAM_FAILED", "FAILED")
    }
    assert found == {
        "SKIPPED": {"skips_itself", "is_killed", "never_began"},
        "UPSTREAM_FAILED": {"waits"},
        "FAILED": {"fails", "failed"},
    }
    assert all(run.shown_state in found for run in Run.objects.shown().exclude(job__name__in=["dag", "dag.completes"]))
