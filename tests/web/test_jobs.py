"""The page Jobs: the table of Overview over all connections, with a filter by connection; compact rows."""

import re
import uuid
from html import unescape
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connections.models import Connection
from lineage.models import RunState
from tests.web.rows import job, job_that_ran, make_connection, save

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]


@pytest.fixture
def airflow() -> Connection:
    return make_connection()


@pytest.fixture
def dbt() -> Connection:
    return make_connection("Warehouse", "dbt")


def html_of(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


def names(html: str) -> list[str]:
    return [unescape(name) for name in re.findall(r'job-name"[^>]*><span class="middle" title="([^"]*)"', html)]


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def test_jobs_of_all_connections_failing_first(as_viewer: Client, airflow: Connection, dbt: Connection) -> None:
    save([job_that_ran(airflow, "works"), job_that_ran(dbt, "fails", RunState.FAILED, kind="MODEL")], "Boom.")
    html = html_of(as_viewer.get("/jobs"))
    assert names(html) == ["fails", "works"]
    assert "Failed fails Model · Warehouse Boom." in text_of(html)
    assert "Completed works Job · Airflow production" in text_of(html)
    assert "2 jobs" in text_of(html)


def test_filter_by_connection(as_viewer: Client, airflow: Connection, dbt: Connection) -> None:
    save([job_that_ran(airflow, "theirs"), job_that_ran(dbt, "ours"), job_that_ran(dbt, "failed", RunState.FAILED)])
    assert "Airflow production (1)" in html_of(as_viewer.get("/jobs"))
    html = html_of(as_viewer.get(f"/jobs?connection={dbt.pk}&sort=name"))
    assert names(html) == ["failed", "ours"]
    assert "All 2 Failed 1 Lost 0 Slow 0 Completed 1" in text_of(html)
    assert names(html_of(as_viewer.get(f"/jobs?connection={uuid.uuid4()}"))) == []
    removed = Connection.objects.filter(pk=airflow.pk)
    removed.update(removed_at=airflow.created_at)
    assert "theirs" not in html_of(as_viewer.get("/jobs"))


def test_a_dag_without_an_error_shows_that_of_its_task(as_viewer: Client, airflow: Connection) -> None:
    dag, task = job_that_ran(airflow, "shop", RunState.FAILED, kind="DAG"), job_that_ran(airflow, "shop.load")
    save([dag])
    task.parent_job_id, task.kind, task.latest_run_state = dag.id, "TASK", RunState.FAILED
    save([task], "KeyError: 'x'")
    assert "DAG · Airflow production load: KeyError: 'x'" in text_of(html_of(as_viewer.get("/jobs")))


def test_compact_rows_are_remembered(as_viewer: Client, airflow: Connection) -> None:
    save([job_that_ran(airflow, "orders")])
    assert "lines-compact" not in html_of(as_viewer.get("/jobs"))
    assert "lines-compact" in html_of(as_viewer.get("/jobs?density=compact"))
    assert "lines-compact" in html_of(as_viewer.get(f"/jobs?connection={airflow.pk}"))
    assert "lines-compact" not in html_of(as_viewer.get("/jobs?density=normal"))
    # An older tab refreshes its list.
    as_viewer.get("/jobs?density=compact", headers={"HX-Request": "true", "HX-Target": "jobs", "HX-Trigger": "jobs"})
    assert "lines-compact" not in html_of(as_viewer.get("/jobs"))


def test_the_number_of_queries_does_not_grow_with_jobs_and_connections(as_viewer: Client) -> None:
    def queries(rows: int) -> int:
        for number in range(rows):
            save([job_that_ran(make_connection(f"{rows} {number}"), "fails", RunState.FAILED)], "Boom.")
        with CaptureQueriesContext(database) as found:
            html_of(as_viewer.get("/jobs"))
        return len(found)

    assert queries(1) == queries(20)


def test_a_row_names_the_source_system_that_its_connection_does_not(as_viewer: Client, airflow: Connection) -> None:
    anything = make_connection("Everything else", "openlineage")
    save([job(anything, "clicks", kind="JOB", integration="FLINK"), job(anything, "unknown", kind="JOB")])
    save(
        [job(airflow, "shop", kind="DAG", integration="AIRFLOW"), job(airflow, "sums", kind="JOB", integration="SPARK")]
    )
    said = set(re.findall(r'class="line-why">([^<]*)<', as_viewer.get("/jobs").content.decode()))
    assert {"Job · Flink · Everything else", "Job · Everything else", "Job · Spark · Airflow production"} <= said
    assert not [words for words in said if "Airflow · Airflow production" in words]
    page = as_viewer.get("/search", {"q": "clicks"}).content.decode()
    assert "Job · Flink · Everything else" in page
