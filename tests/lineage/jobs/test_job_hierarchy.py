"""Children of a job in other connections: the children of its runs, as the page of a run shows them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from connections.models import Connection
from connections.querysets import unseen_by
from lineage.jobs.hierarchy import JobHierarchy, hierarchy_of
from lineage.models import Job, Run
from lineage.runs.relations import children_of
from tests.lineage.build import at, run_event
from tests.lineage.conftest import READER, Sender

NewSender = Callable[[], Sender]
PARENT, EARLIER = UUID(int=1), UUID(int=2)


def send_dag(sender: Sender, run: UUID = PARENT, job: str = "shop") -> None:
    sender.send(run_event(run=str(run), job=job))


def send_task(sender: Sender, name: str, parent: UUID = PARENT, dag: str = "shop", number: int = 0) -> None:
    facets = {"parent": {"run": {"runId": str(parent)}, "job": {"namespace": "default", "name": dag}}}
    run = str(UUID(int=100 + number))
    sender.send(run_event("FAIL", at(5), run=run, job=name, namespace=f"of {name}", run_facets=facets))


def family(sender: Sender, *runs: UUID, job: str = "shop") -> JobHierarchy:
    return hierarchy_of(Job.objects.of(sender.connection).get(name=job), runs or [PARENT], READER)


def contained(sender: Sender, *runs: UUID) -> list[tuple[str, str]]:
    """Return connections and names. The page of a single run must show equal ones."""
    found = family(sender, *runs)
    if not runs:
        run = Run.objects.get(connection=sender.connection, run_id=PARENT)
        shown = {(child.connection_id, child.job_id) for child in children_of(run, READER)}
        assert {(child.job.connection_id, child.job.id) for child in found.children} == shown
    return sorted((child.elsewhere, child.job.name) for child in found.children)


def test_the_tasks_of_a_twin_are_the_twins(new_sender: NewSender) -> None:
    """Two deployments of Airflow give runs of one DAG equal ids."""
    production, staging = new_sender(), new_sender()
    for sender in (production, staging):
        send_dag(sender)
    send_task(production, "shop.load")
    send_task(staging, "shop.load")
    send_task(staging, "shop.clean", number=1)
    assert contained(production) == [("", "shop.load")]
    assert contained(staging) == [("", "shop.clean"), ("", "shop.load")]


def test_what_it_started_in_another_connection_is_told_with_its_name(new_sender: NewSender) -> None:
    airflow, dbt = new_sender(), new_sender()
    send_dag(airflow)
    send_task(airflow, "shop.build")
    send_task(dbt, "model")
    assert contained(airflow) == [("", "shop.build"), (dbt.connection.name, "model")]


def test_what_a_run_of_another_name_started_is_not_its_own(new_sender: NewSender) -> None:
    airflow, dbt = new_sender(), new_sender()
    send_dag(airflow)
    send_task(dbt, "model", dag="another")
    assert contained(airflow) == []


def test_of_two_that_may_have_started_it_neither_is_guessed(new_sender: NewSender) -> None:
    airflow, twin, dbt = new_sender(), new_sender(), new_sender()
    send_dag(airflow)
    send_dag(airflow, EARLIER)
    send_dag(twin)
    send_task(dbt, "model")
    send_task(dbt, "earlier model", EARLIER, number=1)
    assert contained(airflow) == contained(twin) == []
    # Of the other run there is no doubt.
    assert contained(airflow, PARENT, EARLIER) == [(dbt.connection.name, "earlier model")]
    Connection.objects.filter(pk=twin.connection.pk).update(removed_at=timezone.now())
    assert contained(airflow) == [(dbt.connection.name, "model")]


def test_another_connection_that_holds_the_run_under_another_name_keeps_its_children(new_sender: NewSender) -> None:
    airflow, other, dbt = new_sender(), new_sender(), new_sender()
    send_dag(airflow)
    send_dag(other, job="renamed")
    send_task(other, "its own")
    send_task(dbt, "model")
    assert contained(airflow) == [(dbt.connection.name, "model")]


@pytest.mark.parametrize("amount", [1, 30])
def test_the_number_of_queries_does_not_grow(
    new_sender: NewSender, django_assert_num_queries: DjangoAssertNumQueries, amount: int
) -> None:
    airflow, dbt = new_sender(), new_sender()
    send_dag(airflow)
    for number in range(amount):
        send_dag(new_sender(), job=f"holder {number}")
        send_task(dbt, f"model {number}", number=number)
    job: Any = Job.objects.of(airflow.connection).get()
    # Read once for each request, and kept with its user.
    unseen_by(READER)
    with django_assert_num_queries(3):
        assert len(hierarchy_of(job, [PARENT], READER).children) == amount
