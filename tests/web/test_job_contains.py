"""The page of a job: what it contains, as far as that is its own."""

import re
import uuid
from typing import Any

import pytest
from django.test import Client

from connections.models import Connection
from lineage.models import Job
from tests.api.rows import NOW, make_job
from tests.web.rows import make_connection
from tests.web.test_job import FAIL, add_runs, get, html_of, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]


@pytest.fixture
def connection() -> Connection:
    return make_connection("Airflow")


def test_what_it_contains(as_viewer: Client, connection: Connection) -> None:
    """Jobs that name it as their parent, and those that its runs started, also in other connections."""
    dag = make_job(connection, "shop", kind="DAG")
    [run] = add_runs(dag, {})
    add_runs(make_job(connection, "shop.load", kind="TASK"), {"parent_run_id": run.id})
    child = {"parent_run_id": run.id, "parent_job_name": "shop"}
    add_runs(make_job(make_connection("dbt", "dbt"), "model", kind="MODEL"), {**child, **FAIL})
    make_job(connection, "shop.never", kind="TASK", parent_job_id=dag.id, parent_job_name="shop")
    add_runs(make_job(connection, "stranger"), {"parent_run_id": uuid.uuid4()})
    removed = Connection.objects.create(name="Gone", type="dbt", created_at=NOW, removed_at=NOW)
    add_runs(make_job(removed, "gone"), child)
    model, load, never = child_rows(get(as_viewer, dag))
    assert model.startswith("model in another connection, dbt Model Failed ")
    assert load.startswith("shop.load Task Completed ")
    assert never.startswith("shop.never Task ")


def test_another_deployments_tasks_are_not_its_own(as_viewer: Client, connection: Connection) -> None:
    """Two deployments of one DAG give its runs equal ids."""
    run_id = uuid.uuid4()
    child = {"parent_run_id": run_id, "parent_job_name": "shop"}

    def deploy(connection: Connection, **outcome: str) -> Job:
        dag = make_job(connection, "shop", kind="DAG")
        add_runs(dag, {"id": run_id})
        add_runs(make_job(connection, "shop.load", kind="TASK"), {**child, **outcome})
        return dag

    production, staging = deploy(connection), deploy(make_connection("Staging"), **FAIL)
    [load] = child_rows(get(as_viewer, production))
    assert load.startswith("shop.load Task Completed ")
    [load] = child_rows(get(as_viewer, staging))
    assert load.startswith("shop.load Task Failed ")


def child_rows(response: Any) -> list[str]:
    return [text_of(row) for row in re.findall(r'<tr id="child-.*?</tr>', html_of(response), re.DOTALL)]


def test_of_thousands_that_it_contains_the_most_urgent_are_listed(as_viewer: Client, connection: Connection) -> None:
    dag = make_job(connection, "shop & sons", kind="DAG")
    for number in range(60):
        make_job(connection, f"task {number}", kind="TASK", parent_job_id=dag.id, parent_job_name=dag.name)
    html = html_of(get(as_viewer, dag))
    assert html.count('<tr id="child-') == 50
    assert "Contains 60 jobs" in text_of(html)
    assert f'/connections/{connection.pk}?q=shop%20%26%20sons">Find the others by name' in html
