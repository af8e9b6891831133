"""Runs that become lost because time passes: the sweeps of `maintain`, minute by minute."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, transaction

from lineage.database.metrics import Failure
from lineage.database.sessions import kind_of
from lineage.models import Job, Mark, Run, Transition
from lineage.states.deadlines import sweep
from tests.conftest import InThread
from tests.lineage.airflow import dag_event, task_event, task_run_id
from tests.lineage.build import at, run_event
from tests.lineage.conftest import Sender, make_sender

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
RUN, PARENT, COMMAND, NODE = (str(UUID(int=number)) for number in range(1, 5))
STREAMS = {"jobType": {"jobType": "JOB", "integration": "FLINK", "processingType": "STREAMING"}}


def after(**time: float) -> datetime:
    return NOON + timedelta(**time)


def state(run: str = RUN, sender: Sender | None = None) -> str:
    runs = Run.objects.all() if sender is None else Run.objects.of(sender.connection)
    return str(runs.get(run_id=run).shown_state)


def below(run: str, job: str) -> dict[str, Any]:
    return {"parent": {"run": {"runId": run}, "job": {"namespace": "namespace", "name": job}}}


def start(sender: Sender, run: str = RUN, job: str = "job", *, seconds: float = 0, **fields: Any) -> None:
    sender.send(run_event("START", at(seconds), run=run, job=job, **fields), now=after(seconds=seconds + 1))


def end(sender: Sender, run: str, job: str, *, minutes: float, type_: str = "COMPLETE") -> None:
    sender.send(run_event(type_, at(60 * minutes), run=run, job=job), now=after(minutes=minutes))


def settled_rows() -> tuple[int, int]:
    return Transition.objects.count(), Mark.objects.count()


# --- Silence -------------------------------------------------------------------------------------------------------


def test_a_run_is_lost_when_its_patience_is_over_and_not_before(sender: Sender) -> None:
    start(sender)
    assert sweep(after(hours=24) - timedelta(microseconds=1)) == 0
    assert state() == "RUNNING"
    assert sweep(after(hours=24)) == 1
    assert state() == "LOST"
    job = Job.objects.get()
    assert (job.latest_run_state, job.running_runs) == ("LOST", 0)


def test_each_event_makes_the_deadline_later(sender: Sender) -> None:
    start(sender)
    sender.send(run_event("RUNNING", at(3600)), now=after(hours=1))
    sweep(after(hours=24))
    assert state() == "RUNNING"
    sweep(after(hours=25))
    assert state() == "LOST"


def test_a_job_that_takes_long_is_waited_for_longer(sender: Sender) -> None:
    sender.send(run_event("START", at(0), run=PARENT), run_event("COMPLETE", at(8 * 3600), run=PARENT))
    start(sender)
    sweep(after(hours=31))
    assert state() == "RUNNING"
    sweep(after(hours=32))
    assert state() == "LOST"


def test_a_job_that_turns_out_to_take_long_is_waited_for_from_then_on(sender: Sender) -> None:
    """The job was not known to take long when the run began, so the stored deadline is computed again."""
    start(sender)
    sender.send(run_event("START", at(0), run=PARENT), run_event("COMPLETE", at(8 * 3600), run=PARENT))
    sweep(after(hours=24))
    assert state() == "RUNNING"
    sweep(after(hours=32))
    assert state() == "LOST"


def test_an_endless_job_is_never_lost(sender: Sender) -> None:
    start(sender, job_facets=STREAMS)
    start(sender, PARENT, "dag")
    start(sender, COMMAND, "stream", run_facets=below(PARENT, "dag"), job_facets=STREAMS)
    end(sender, PARENT, "dag", minutes=5)
    sweep(after(days=3000))
    assert (state(), state(COMMAND)) == ("RUNNING", "RUNNING")
    assert set(Run.objects.filter(run_id__in=[RUN, COMMAND]).values_list("lost_after", flat=True)) == {None}


def test_what_ended_or_never_ran_is_not_lost(sender: Sender) -> None:
    sender.send(run_event("OTHER", at(0), run=RUN), run_event("FAIL", at(0), run=PARENT, job="failed"))
    assert sweep(after(days=30)) == 0
    assert (state(), state(PARENT)) == ("UNKNOWN", "FAILED")


# --- What ended above ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_in_another_connection", [False, True])
def test_a_parent_that_ended(new_sender: Callable[[], Sender], is_in_another_connection: bool) -> None:
    child = new_sender()
    parent = new_sender() if is_in_another_connection else child
    start(parent, PARENT, "dag")
    start(child, RUN, "job", run_facets=below(PARENT, "dag"))
    sweep(after(minutes=29))
    end(parent, PARENT, "dag", minutes=30)
    sweep(after(minutes=40) - timedelta(microseconds=1))
    assert state() == "RUNNING"
    sweep(after(minutes=40))
    assert state() == "LOST"
    run = Run.objects.get(run_id=RUN)
    assert (run.lost_after, run.shown_ended_at) == (after(minutes=40), None)
    assert Transition.objects.get(run_id=Run.objects.get(run_id=RUN).id, to_state="LOST").at == after(minutes=40)

    # A later event revives it.
    child.send(run_event("RUNNING", at(31 * 60), run=RUN, run_facets=below(PARENT, "dag")), now=after(minutes=41))
    sweep(after(minutes=60))
    assert state() == "RUNNING"


def test_of_two_connections_with_such_a_run_neither_is_the_parent(new_sender: Callable[[], Sender]) -> None:
    child, one, other = new_sender(), new_sender(), new_sender()
    start(child, RUN, "job", run_facets=below(PARENT, "dag"))
    for parent in (one, other):
        start(parent, PARENT, "dag")
    for parent in (one, other):
        end(parent, PARENT, "dag", minutes=30)
    sweep(after(minutes=50))
    assert state() == "RUNNING"


def chain(sender: Sender) -> None:
    """A task, the command that it started, and a node of that; the task's worker is killed."""
    sender.send(task_event("START", 1), now=after(seconds=2))
    task = {"parent": {"run": {"runId": task_run_id("load")}, "job": {"namespace": "default", "name": "dag.load"}}}
    start(sender, COMMAND, "dbt-run-shop", seconds=5, run_facets=task)
    start(sender, NODE, "model.shop.orders", seconds=6, run_facets=below(COMMAND, "dbt-run-shop"))


def test_a_chain_is_lost_with_its_finished_ancestor(sender: Sender) -> None:
    chain(sender)
    sweep(after(minutes=40))
    assert (state(COMMAND), state(NODE)) == ("RUNNING", "RUNNING")
    told = dag_event("FAIL", 45 * 60, {"load": "failed"}, durations={"load": 600.0})
    sender.send(told, now=after(minutes=45))
    sweep(after(minutes=46))
    assert (state(task_run_id("load")), state(COMMAND), state(NODE)) == ("FAILED", "LOST", "LOST")


def test_a_chain_is_revived_with_the_run_that_was_heard_of(sender: Sender) -> None:
    chain(sender)
    sender.send(dag_event("FAIL", 45 * 60, {"load": "failed"}, durations={"load": 600.0}), now=after(minutes=45))
    sweep(after(minutes=46))
    sender.send(run_event("RUNNING", at(20 * 60), run=COMMAND, job="dbt-run-shop"), now=after(minutes=47))
    assert (state(COMMAND), state(NODE)) == ("RUNNING", "RUNNING")
    assert dict(Job.objects.filter(name__contains="shop").values_list("name", "running_runs")) == {
        "dbt-run-shop": 1,
        "model.shop.orders": 1,
    }
    sweep(after(minutes=48))
    assert (state(COMMAND), state(NODE)) == ("RUNNING", "RUNNING")
    sweep(after(hours=30))
    assert (state(COMMAND), state(NODE)) == ("LOST", "LOST")


def test_what_was_lost_in_another_connection_is_revived_by_the_sweep(new_sender: Callable[[], Sender]) -> None:
    airflow, dbt = new_sender(), new_sender()
    start(airflow, PARENT, "dag")
    start(airflow, COMMAND, "dag.task", seconds=1, run_facets=below(PARENT, "dag"))
    start(dbt, NODE, "dbt-run-shop", seconds=2, run_facets=below(COMMAND, "dag.task"))
    end(airflow, PARENT, "dag", minutes=30)
    sweep(after(minutes=41))
    assert (state(COMMAND), state(NODE)) == ("LOST", "LOST")
    airflow.send(run_event("RUNNING", at(35 * 60), run=COMMAND, job="dag.task"), now=after(minutes=42))
    sweep(after(minutes=43))
    assert (state(COMMAND), state(NODE)) == ("RUNNING", "RUNNING")


# --- Sweeps --------------------------------------------------------------------------------------------------------


def test_nothing_is_swept_twice(sender: Sender) -> None:
    start(sender, PARENT, "dag")
    start(sender, RUN, "job", run_facets=below(PARENT, "dag"))
    end(sender, PARENT, "dag", minutes=30)
    start(sender, COMMAND, "alone")
    now = after(hours=25)
    assert sweep(now) == 2
    before = settled_rows()
    assert before == (6, 0)
    assert sweep(now) == 0
    assert sweep(now + timedelta(days=9)) == 0
    assert settled_rows() == before


def test_a_sweep_that_is_stopped_is_gone_on_with_by_the_next(sender: Sender) -> None:
    start(sender)
    assert sweep(after(hours=25), should_stop=lambda: True) == 0
    assert Mark.objects.exists()
    assert sweep(after(hours=25)) == 1
    assert state() == "LOST"
    assert not Mark.objects.exists()


def test_each_connection_is_swept(new_sender: Callable[[], Sender]) -> None:
    senders = [new_sender() for _ in range(3)]
    for sender in senders:
        start(sender)
    assert sweep(after(hours=25)) == 3
    assert [state(RUN, sender) for sender in senders] == ["LOST"] * 3


@pytest.mark.django_db(transaction=True)
def test_a_connection_with_a_locked_row_does_not_hold_up_the_others(in_thread: InThread) -> None:
    held, other = sorted([make_sender(), make_sender()], key=lambda sender: sender.connection.id)
    start(held)
    start(other)
    with transaction.atomic():
        Run.objects.select_for_update().get(connection=held.connection)
        swept = in_thread(sweep, after(hours=25))
        error = swept.exception(timeout=30)
    assert isinstance(error, DatabaseError)
    assert kind_of(error) == Failure.TIMEOUT
    assert (state(RUN, held), state(RUN, other)) == ("RUNNING", "LOST")
    assert sweep(after(hours=25)) == 1
    assert state(RUN, held) == "LOST"
