"""A run that began, and of which no end will come."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from connections.models import Connection
from lineage.models import Job, Run
from lineage.overview.summaries import connection_summary
from lineage.states.deadlines import sweep
from tests.lineage.build import run_event
from tests.lineage.conftest import Sender

RUN, PARENT = UUID(int=1), UUID(int=2)
PARENT_FACET = {"parent": {"run": {"runId": str(PARENT)}, "job": {"namespace": "namespace", "name": "dag"}}}


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


def state(run: UUID = RUN) -> str:
    return str(Run.objects.get(run_id=run).shown_state)


def send(sender: Sender, type_: str, time: str, *, run: UUID = RUN, **fields: Any) -> None:
    """Sends an event, and lets the minute pass in which runs are swept."""
    sender.send(run_event(type_, time, run=str(run), **fields), now=timezone.now())
    sweep(timezone.now())


def test_nothing_heard_for_a_day(sender: Sender) -> None:
    send(sender, "START", ago(hours=23))
    assert state() == "RUNNING"
    send(sender, "START", ago(hours=25), run=PARENT)
    assert state(PARENT) == "LOST"
    assert Run.objects.get(run_id=PARENT).state == "RUNNING"


def test_any_later_event_revives_it(sender: Sender) -> None:
    send(sender, "START", ago(hours=50))
    assert state() == "LOST"
    send(sender, "OTHER", ago(hours=2))
    assert state() == "RUNNING"
    send(sender, "COMPLETE", ago(hours=1))
    assert state() == "COMPLETED"


def test_a_job_that_takes_long_is_waited_for_four_times_as_long(sender: Sender) -> None:
    for number in (10, 11, 12):
        send(sender, "START", ago(hours=100), run=UUID(int=number))
        send(sender, "COMPLETE", ago(hours=90), run=UUID(int=number))
    send(sender, "START", ago(hours=39))
    assert state() == "RUNNING"
    send(sender, "START", ago(hours=41), run=PARENT)
    assert state(PARENT) == "LOST"


def test_what_streams_is_never_lost(sender: Sender) -> None:
    for run, processing in ((RUN, "STREAMING"), (PARENT, "SERVICE")):
        job_type = {"jobType": {"jobType": "JOB", "integration": "FLINK", "processingType": processing}}
        send(sender, "START", ago(days=30), run=run, job=processing, job_facets=job_type)
        assert state(run) == "RUNNING"


def test_a_parent_that_ended_leaves_no_child_running(sender: Sender) -> None:
    send(sender, "START", ago(minutes=40), run_facets=PARENT_FACET)
    send(sender, "START", ago(minutes=50), run=PARENT, job="dag")
    assert state() == "RUNNING"
    send(sender, "COMPLETE", ago(minutes=30), run=PARENT, job="dag")
    assert state() == "LOST"
    send(sender, "RUNNING", ago(minutes=20), run_facets=PARENT_FACET)
    assert state() == "RUNNING"


def test_the_events_of_a_child_may_be_under_way_when_its_parent_ends(sender: Sender) -> None:
    send(sender, "START", ago(minutes=9), run_facets=PARENT_FACET)
    send(sender, "FAIL", ago(minutes=5), run=PARENT, job="dag")
    assert state() == "RUNNING"


def test_only_what_seems_to_run_is_lost(sender: Sender) -> None:
    send(sender, "OTHER", ago(days=30))
    assert state() == "UNKNOWN"
    send(sender, "FAIL", ago(days=30), run=PARENT)
    assert state(PARENT) == "FAILED"


DAG_RUN, TASK, COMMAND, NODE = (UUID(int=number) for number in (20, 21, 22, 23))
NewSender = Callable[[], Sender]


def below(run: UUID, name: str) -> dict[str, Any]:
    return {"parent": {"run": {"runId": str(run)}, "job": {"namespace": "namespace", "name": name}}}


def of_dag_run(**airflow_state: Any) -> dict[str, Any]:
    facets = {"airflowState": {"dagRunState": "failed", **airflow_state}} if airflow_state else {}
    job_type = {"jobType": {"jobType": "DAG", "integration": "AIRFLOW", "processingType": "BATCH"}}
    return {"job": "dag", "run_facets": facets, "job_facets": job_type}


def send_dag_run(sender: Sender, type_: str, time: str, **airflow_state: Any) -> None:
    send(sender, type_, time, run=DAG_RUN, **of_dag_run(**airflow_state))


def send_try(
    sender: Sender, type_: str, time: str, number: int = 1, *, run: UUID = TASK, map_index: int | None = None
) -> None:
    instance = {"try_number": number, **({} if map_index is None else {"map_index": map_index})}
    facets = {**below(DAG_RUN, "dag"), "airflow": {"taskInstance": instance, "task": {"retries": 2}}}
    send(sender, type_, time, run=run, job="dag.task", run_facets=facets)


def send_command(sender: Sender, type_: str, time: str, *, job: str = "dbt-run-shop", **fields: Any) -> None:
    send(sender, type_, time, run=COMMAND, job=job, run_facets=below(TASK, "dag.task"), **fields)


def test_what_a_killed_task_started_is_lost_with_it(sender: Sender) -> None:
    """The task sends no end: its DAG run reports that it failed, and its duration."""
    send_try(sender, "START", ago(minutes=60))
    send_command(sender, "START", ago(minutes=59))
    send(sender, "START", ago(minutes=58), run=NODE, job="model.shop.orders", run_facets=below(COMMAND, "dbt-run-shop"))
    send_dag_run(sender, "START", ago(minutes=61))
    assert [state(run) for run in (TASK, COMMAND, NODE)] == ["RUNNING"] * 3
    send_dag_run(sender, "FAIL", ago(minutes=9), tasksState={"task": "failed"}, tasksDuration={"task": 600})
    assert [state(run) for run in (TASK, COMMAND, NODE)] == ["FAILED", "LOST", "LOST"]
    assert {row.latest_run_state for row in Job.objects.filter(name__contains="shop")} == {"LOST"}
    assert [job(name).running_runs for name in ("dbt-run-shop", "model.shop.orders")] == [0, 0]

    # What outlived the task may go on, and what that one started, too.
    send_command(sender, "RUNNING", ago(minutes=40))
    assert [state(run) for run in (TASK, COMMAND, NODE)] == ["FAILED", "RUNNING", "RUNNING"]


def test_a_killed_task_of_which_no_duration_is_told_ended_with_its_dag_run(sender: Sender) -> None:
    send_try(sender, "START", ago(minutes=60))
    send_command(sender, "START", ago(minutes=59))
    send_dag_run(sender, "FAIL", ago(minutes=9), tasksState={"task": "failed"})
    assert (state(TASK), state(COMMAND)) == ("FAILED", "RUNNING")
    send_dag_run(sender, "FAIL", ago(minutes=11), tasksState={"task": "failed"})
    assert state(COMMAND) == "RUNNING"


@pytest.mark.parametrize(("minutes", "expected"), [(9, "RUNNING"), (11, "LOST")])
def test_what_a_lost_instance_started_is_lost_with_its_dag_run(sender: Sender, minutes: int, expected: str) -> None:
    send_try(sender, "START", ago(minutes=60), map_index=3)
    send_command(sender, "START", ago(minutes=59))
    send_dag_run(sender, "FAIL", ago(minutes=minutes), tasksState={"task": "failed"}, tasksDuration={"task": 600})
    assert (state(TASK), state(COMMAND)) == (expected, expected)


@pytest.mark.parametrize(("minutes", "expected"), [(9, "RUNNING"), (11, "LOST")])
def test_a_killed_try_was_over_when_the_next_one_began(sender: Sender, minutes: int, expected: str) -> None:
    send_try(sender, "START", ago(minutes=60))
    send_command(sender, "START", ago(minutes=59))
    send_try(sender, "START", ago(minutes=minutes), 2, run=UUID(int=30))
    assert (state(TASK), state(COMMAND)) == ("RETRIED", expected)


def test_nothing_is_lost_below_what_streams(sender: Sender) -> None:
    streams = {"jobType": {"jobType": "APPLICATION", "integration": "SPARK", "processingType": "STREAMING"}}
    send_try(sender, "START", ago(minutes=60))
    send_command(sender, "START", ago(minutes=59), job="application", job_facets=streams)
    send(sender, "START", ago(minutes=58), run=NODE, run_facets=below(COMMAND, "application"))
    send_try(sender, "FAIL", ago(minutes=30))
    assert (state(COMMAND), state(NODE)) == ("RUNNING", "RUNNING")
    send_command(sender, "FAIL", ago(minutes=29), job="application")
    assert state(NODE) == "LOST"


def test_runs_that_name_each_other_or_themselves_are_not_followed_forever(sender: Sender) -> None:
    send(sender, "START", ago(minutes=50), run=TASK, run_facets=below(COMMAND, "job"))
    send(sender, "START", ago(minutes=50), run=COMMAND, run_facets=below(TASK, "job"))
    send(sender, "START", ago(minutes=50), run=NODE, run_facets=below(NODE, "job"))
    assert [state(run) for run in (TASK, COMMAND, NODE)] == ["RUNNING"] * 3


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_parent_in_another_connection_leaves_no_child_running(new_sender: NewSender, is_killed: bool) -> None:
    airflow, dbt = new_sender(), new_sender()
    send_command(dbt, "START", ago(minutes=59))
    send(dbt, "START", ago(minutes=58), run=NODE, job="model.shop.orders", run_facets=below(COMMAND, "dbt-run-shop"))
    send_try(airflow, "START", ago(minutes=60))
    assert [state(run) for run in (COMMAND, NODE)] == ["RUNNING"] * 2
    if is_killed:
        told = {"tasksState": {"task": "failed"}, "tasksDuration": {"task": 600}}
        send_dag_run(airflow, "FAIL", ago(minutes=30), **told)
    else:
        send_try(airflow, "FAIL", ago(minutes=30))
    assert [state(run) for run in (TASK, COMMAND, NODE)] == ["FAILED", "LOST", "LOST"]
    assert jobs_in(dbt, "LOST") == ["dbt-run-shop", "model.shop.orders"]


def test_only_the_parent_that_a_page_names_takes_its_children_along(new_sender: NewSender) -> None:
    """lineage/runs/relations.py finds this parent."""
    airflow, twin, dbt = new_sender(), new_sender(), new_sender()
    send_command(dbt, "START", ago(minutes=59))
    for type_, time in (("START", ago(minutes=60)), ("FAIL", ago(minutes=30))):
        for sender in (airflow, twin):
            send_try(sender, type_, time)
    assert state(COMMAND) == "RUNNING"
    Connection.objects.filter(pk=twin.connection.pk).update(removed_at=timezone.now())
    sweep(timezone.now())
    assert state(COMMAND) == "LOST"
    # Its own connection comes first, whatever the name: the command is looked at again with its next event.
    send(dbt, "START", ago(minutes=60), run=TASK, job="renamed")
    send_command(dbt, "RUNNING", ago(minutes=58))
    assert state(COMMAND) == "RUNNING"


def test_a_run_of_another_name_is_no_parent(new_sender: NewSender) -> None:
    airflow, dbt = new_sender(), new_sender()
    send_command(dbt, "START", ago(minutes=59))
    send(airflow, "FAIL", ago(minutes=30), run=TASK, job="dag.other")
    assert state(COMMAND) == "RUNNING"


@pytest.mark.usefixtures("fresh_tables")
def test_what_is_lost_is_found_without_reading_other_runs(new_sender: NewSender) -> None:
    airflow, dbt = new_sender(), new_sender()
    send_command(dbt, "START", ago(minutes=59))
    send_try(airflow, "START", ago(minutes=60))
    told = of_dag_run(tasksState={"task": "failed"}, tasksDuration={"task": 600})
    airflow.send(run_event("FAIL", ago(minutes=30), run=str(DAG_RUN), **told), now=timezone.now())
    for sender in (airflow, dbt):
        events = [
            run_event("COMPLETE", ago(hours=1), run=str(UUID(int=number)), job=f"job-{number % 100}")
            for number in range(1000, 3000)
        ]
        sender.send(*events, now=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE lineage_run, lineage_job")

    assert state(COMMAND) == "RUNNING"
    before = rows_read()
    sweep(timezone.now())
    assert rows_read() - before < 100
    assert state(COMMAND) == "LOST"


def rows_read() -> int:
    """Count the rows of runs that this transaction has read. Jobs are few here, so PostgreSQL reads all of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'lineage_run'"
        )
        return int(cursor.fetchone()[0])


def job(name: str = "job") -> Job:
    return Job.objects.get(name=name)


def jobs_in(sender: Sender, state: str) -> list[str]:
    return sorted(Job.objects.of(sender.connection).in_state(state).values_list("name", flat=True))


def test_a_job_is_lost_with_its_latest_run_and_runs_again_with_it(sender: Sender) -> None:
    send(sender, "START", ago(hours=50))
    assert (job().latest_run_state, job().running_runs) == ("LOST", 0)
    assert (jobs_in(sender, "LOST"), jobs_in(sender, "RUNNING")) == (["job"], [])
    summary = connection_summary(sender.connection, now=timezone.now())
    assert (summary.total_jobs, summary.running_jobs) == (1, 0)

    send(sender, "RUNNING", ago(hours=2))
    assert (job().latest_run_state, job().running_runs) == ("RUNNING", 1)
    assert (jobs_in(sender, "LOST"), jobs_in(sender, "RUNNING")) == ([], ["job"])
    assert connection_summary(sender.connection, now=timezone.now()).running_jobs == 1


def test_runs_that_were_lost_before_keep_no_job_running(sender: Sender) -> None:
    for number in (10, 11):
        send(sender, "START", ago(hours=90 - number), run=UUID(int=number))
    send(sender, "START", ago(hours=3))
    assert (job().latest_run_state, job().running_runs) == ("RUNNING", 1)
    send(sender, "COMPLETE", ago(hours=2))
    assert (job().latest_run_state, job().running_runs) == ("COMPLETED", 0)
    assert (jobs_in(sender, "COMPLETED"), jobs_in(sender, "RUNNING"), jobs_in(sender, "LOST")) == (["job"], [], [])


def test_of_many_runs_those_that_run_are_counted_and_lost_ones_are_not(sender: Sender) -> None:
    events = [run_event("START", ago(hours=2), run=str(UUID(int=number))) for number in range(1, 131)]
    sender.send(*events, now=timezone.now())
    assert job().running_runs == 130
    lost = [run_event("START", ago(hours=60), run=str(UUID(int=number))) for number in range(201, 206)]
    sender.send(*lost, now=timezone.now())
    assert job().running_runs == 130
    assert Run.objects.filter(shown_state="LOST").count() == 5


def test_what_needs_attention_comes_first(sender: Sender) -> None:
    send(sender, "START", ago(hours=1), run=UUID(int=1), job="running")
    send(sender, "START", ago(hours=50), run=UUID(int=2), job="lost")
    send(sender, "FAIL", ago(hours=90), run=UUID(int=3), job="failed")
    send(sender, "COMPLETE", ago(minutes=1), run=UUID(int=4), job="completed")
    # What still runs may have begun before.
    send(sender, "START", ago(minutes=40), run=UUID(int=5), job="left behind", run_facets=below(UUID(int=6), "parent"))
    send(sender, "COMPLETE", ago(minutes=30), run=UUID(int=6), job="parent")
    # Another run of it still runs.
    send(sender, "START", ago(hours=3), run=UUID(int=7), job="lost beside a running one")
    send(sender, "RUNNING", ago(minutes=1), run=UUID(int=7), job="lost beside a running one")
    send(
        sender,
        "START",
        ago(minutes=35),
        run=UUID(int=8),
        job="lost beside a running one",
        run_facets=below(UUID(int=6), "parent"),
    )
    jobs = Job.objects.of(sender.connection)
    lost = ["lost", "left behind", "lost beside a running one"]
    expected = ["failed", *lost, "running", "completed", "parent"]
    assert [job.name for job in jobs.needing_attention_first()] == expected
    by_state = jobs.sorted_by("state", descending=False)
    assert [job.name for job in by_state] == ["failed", *sorted(lost), "running", "completed", "parent"]
    # How long the one took that was lost is not known.
    by_duration = jobs.sorted_by("duration", descending=True)
    assert next(job.name for job in by_duration) == "running"
