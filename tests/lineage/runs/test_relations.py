"""Parents, children and tries, where they are late, missing, or in another connection."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from connections.models import Connection
from lineage.models import Run
from lineage.runs.relations import Placeholder, children_of, parent_of, root_of, tries_of
from tests.lineage.build import at, run_event
from tests.lineage.conftest import READER, Sender

NewSender = Callable[[], Sender]
PARENT, CHILD = UUID(int=1), UUID(int=2)


def named(run: UUID, job: str, root: str | None = None) -> dict[str, Any]:
    parent: dict[str, Any] = {"run": {"runId": str(run)}, "job": {"namespace": "airflow", "name": job}}
    if root:
        parent["root"] = {"run": {"runId": str(run)}, "job": {"namespace": "airflow", "name": root}}
    return {"parent": parent}


def send_parent(sender: Sender, job: str = "dag.task", run: UUID = PARENT) -> None:
    sender.send(run_event("START", at(0), run=str(run), job=job))


def send_child(sender: Sender, parent_job: str = "dag.task") -> Run:
    sender.send(run_event("START", at(5), run=str(CHILD), job="model", run_facets=named(PARENT, parent_job, "dag")))
    return Run.objects.get(connection=sender.connection, run_id=CHILD)


def run_of(sender: Sender, id_: UUID = PARENT) -> Run:
    return Run.objects.get(connection=sender.connection, run_id=id_)


def linked(parent: Sender, child: Sender) -> bool:
    """Tell whether the child's parent is found; the parent's children must agree."""
    found = parent_of(run_of(child, CHILD), READER)
    is_parent = isinstance(found, Run) and found.connection_id == parent.connection.id
    is_child = child.connection.id in {run.connection_id for run in children_of(run_of(parent), READER)}
    assert is_parent == is_child
    return is_parent


def test_a_parent_is_found_when_it_comes_late(sender: Sender) -> None:
    child = send_child(sender)
    assert parent_of(child, READER) == Placeholder(PARENT, "airflow", "dag.task")
    assert root_of(child, READER) == Placeholder(PARENT, "airflow", "dag")
    send_parent(sender)
    found = parent_of(child, READER)
    assert isinstance(found, Run)
    assert (found.run_id, found.job.name) == (PARENT, "dag.task")
    assert [run.run_id for run in children_of(found, READER)] == [CHILD]


def test_a_run_without_a_parent_has_none(sender: Sender) -> None:
    send_parent(sender)
    assert parent_of(run_of(sender), READER) is None
    assert root_of(run_of(sender), READER) is None
    assert list(children_of(run_of(sender), READER)) == []


def test_a_run_that_names_itself_has_no_parent_and_no_child(sender: Sender) -> None:
    sender.send(run_event(run=str(PARENT), job="dag", run_facets=named(PARENT, "dag")))
    assert parent_of(run_of(sender), READER) is None
    assert list(children_of(run_of(sender), READER)) == []


def test_a_parent_in_another_connection_is_found_by_id_and_name(new_sender: NewSender) -> None:
    airflow, dbt = new_sender(), new_sender()
    send_parent(airflow)
    send_child(dbt)
    assert linked(airflow, dbt)


def test_another_connections_run_of_another_name_is_no_parent(new_sender: NewSender) -> None:
    airflow, dbt = new_sender(), new_sender()
    send_parent(airflow, job="dag.other")
    assert isinstance(parent_of(send_child(dbt), READER), Placeholder)
    assert not linked(airflow, dbt)


def test_the_own_connection_comes_first_whatever_the_name(new_sender: NewSender) -> None:
    airflow, dbt = new_sender(), new_sender()
    send_parent(airflow)
    send_parent(dbt, job="renamed")
    send_child(dbt)
    assert not linked(airflow, dbt)
    assert linked(dbt, dbt)


def test_of_two_other_connections_with_that_run_neither_is_guessed(new_sender: NewSender) -> None:
    """Two deployments of Airflow give runs of one DAG equal ids."""
    airflow, twin, dbt = new_sender(), new_sender(), new_sender()
    send_parent(airflow)
    send_parent(twin)
    assert isinstance(parent_of(send_child(dbt), READER), Placeholder)
    assert not linked(airflow, dbt)
    assert not linked(twin, dbt)


def test_a_removed_connection_holds_no_parent(new_sender: NewSender) -> None:
    airflow, twin, dbt = new_sender(), new_sender(), new_sender()
    send_parent(airflow)
    send_parent(twin)
    send_child(dbt)
    Connection.objects.filter(pk=twin.connection.pk).update(removed_at=timezone.now())
    assert linked(airflow, dbt)


def test_airflow_and_dbt_samples_are_linked_across_connections(
    new_sender: NewSender, sample_lines: Callable[..., list[bytes]]
) -> None:
    dbt, airflow = new_sender(), new_sender()
    dbt.send(*sample_lines("dbt-run-parent"))
    wrapper = Run.objects.get(connection=dbt.connection, job__name="dbt-run-shop")
    assert wrapper.parent_run_id is not None
    airflow.send(run_event(run=str(wrapper.parent_run_id), job="dag1.task1"))
    found = parent_of(wrapper, READER)
    assert isinstance(found, Run)
    assert list(children_of(found, READER)) == [wrapper]
    assert {run.job.name for run in children_of(wrapper, READER)} == {"model.shop.stg_orders", "model.shop.customers"}


def test_the_number_of_queries_does_not_depend_on_children(
    new_sender: NewSender, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    airflow, dbt = new_sender(), new_sender()
    send_parent(airflow)
    for number in range(10, 40):
        facets = named(PARENT, "dag.task")
        dbt.send(run_event("START", at(5), run=str(UUID(int=number)), job="model", run_facets=facets))
    parent = run_of(airflow)
    assert parent.job.name == "dag.task"
    with django_assert_num_queries(3):
        assert len(children_of(parent, READER)[:50]) == 30


def try_event(number: int | None, run: int, *, parent: UUID = PARENT, map_index: int | None = None) -> bytes:
    airflow = {"taskInstance": {"try_number": number, "map_index": map_index}, "task": {"retries": 2}}
    return run_event(
        "FAIL", at(run), run=str(UUID(int=run)), job="dag.task", run_facets={**named(parent, "dag"), "airflow": airflow}
    )


@pytest.mark.parametrize("run", [11, 12])
def test_tries_are_of_one_task_in_one_parent_and_instance(sender: Sender, run: int) -> None:
    sender.send(try_event(2, 11), try_event(1, 12))
    sender.send(try_event(1, 13, map_index=0), try_event(1, 14, parent=CHILD), try_event(None, 15))
    assert [found.run_id.int for found in tries_of(run_of(sender, UUID(int=run)))] == [12, 11]
    for alone in (13, 14, 15):
        assert [found.run_id.int for found in tries_of(run_of(sender, UUID(int=alone)))] == [alone]
