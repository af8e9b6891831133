"""Events describe their job: the latest of each facet becomes its columns, whatever came in between."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from lineage.digest.descriptions import COLUMNS
from lineage.events.identity import job_id
from lineage.models import Job
from tests.lineage.build import at, run_event
from tests.lineage.conftest import Sender

NOBODY: dict[str, Any] = {"description": "", "owners": [], "tags": [], "source_url": "", "schedule": ""}


def the_job(name: str = "job") -> Job:
    return Job.objects.get(name=name)


def job_event(time: str, **facets: Any) -> bytes:
    return json.dumps({"eventTime": time, "job": {"namespace": "namespace", "name": "job", "facets": facets}}).encode()


def test_what_airflow_says_of_a_dag_and_its_tasks(sender: Sender, sample_lines: Callable[..., list[bytes]]) -> None:
    sender.send(*sample_lines("airflow-scheduler"))
    dag, task = the_job("shop_daily"), the_job("shop_daily.extract")
    assert (dag.description, task.description) == ("# docs", "extracts")
    assert (dag.owners, task.owners) == (["data-team", "ops"], ["data-team"])
    assert dag.tags == task.tags == ["finance", "tier1"]
    assert (dag.schedule, dag.schedule_timezone) == ("0 3 * * *", "UTC")
    assert (task.schedule, task.schedule_timezone) == ("", "")
    assert (dag.parent_job_id, task.parent_job_id) == (None, dag.id)
    assert (task.parent_job_namespace, task.parent_job_name) == ("airflow-prod", "shop_daily")
    assert the_job("flaky_hourly").tags == ["env:prod", "pii"]


def test_the_latest_of_each_facet(sender: Sender) -> None:
    sender.send(run_event("START", at(20), job_facets={"documentation": {"description": "new"}}))
    sender.send(
        run_event(
            "OTHER",
            at(10),
            job_facets={
                "documentation": {"description": "old"},
                "ownership": {"owners": [{"name": "ops", "type": "team"}, {"name": "ana"}, {"name": "ops"}]},
                "sourceCodeLocation": {"type": "git", "url": "https://example.com/a.py"},
            },
        )
    )
    job = the_job()
    assert (job.description, job.owners, job.source_url) == ("new", ["ops", "ana"], "https://example.com/a.py")
    assert job.owners_said_at == datetime(2026, 11, 20, 12, 0, 10, tzinfo=UTC)


def test_an_event_without_a_facet_takes_nothing_away_but_a_deleted_one_does(sender: Sender) -> None:
    facets = {
        "documentation": {"description": "d"},
        "ownership": {"owners": [{"name": "o"}]},
        "tags": {"tags": [{"key": "t"}]},
        "sourceCodeLocation": {"url": "https://example.com"},
    }
    said = {"description": "d", "owners": ["o"], "tags": ["t"], "source_url": "https://example.com", "schedule": ""}
    sender.send(run_event("START", at(1), job_facets=facets))
    sender.send(run_event("COMPLETE", at(5)))
    assert Job.objects.values(*said).get() == said
    deleted = {name: {"_deleted": True} for name in facets}
    sender.send(run_event("START", at(7), job_facets=deleted), job_event(at(6), **facets))
    assert Job.objects.values(*said).get() == NOBODY


def test_a_deleted_job_type_leaves_what_the_producer_tells(sender: Sender) -> None:
    producer = "https://github.com/apache/airflow/tree/providers-openlineage/2.20.3"
    sender.send(run_event("START", at(1), producer=producer, job_facets={"jobType": {"jobType": "TASK"}}))
    sender.send(run_event("COMPLETE", at(2), producer=producer, job_facets={"jobType": {"_deleted": True}}))
    assert Job.objects.values_list("kind", "integration").get() == ("DAG", "AIRFLOW")


def test_a_job_event_creates_and_describes_a_job_without_a_run(sender: Sender) -> None:
    sender.send(job_event(at(0), documentation={"description": "Loads orders."}))
    job = the_job()
    assert (job.description, job.latest_run_id, job.running_runs) == ("Loads orders.", None, 0)


@pytest.mark.parametrize(
    "facets",
    [
        {"documentation": {"description": 7}},
        {"documentation": "d"},
        {"ownership": {"owners": ["ops"]}},
        {"tags": {"tags": {"a": "b"}}},
        {"sourceCodeLocation": {"url": "javascript:alert(1)"}},
        {"sourceCodeLocation": {"url": "git@example.com:a.git"}},
        {"sourceCodeLocation": {"url": "https://example.com/" + "a" * 2048}},
    ],
)
def test_a_broken_facet_says_nothing(sender: Sender, facets: dict[str, Any]) -> None:
    sender.send(run_event(job_facets=facets))
    assert Job.objects.values(*NOBODY).get() == NOBODY


def test_tags_are_key_and_value_or_the_key_alone(sender: Sender) -> None:
    tags = [
        {"key": "finance", "value": "finance", "source": "AIRFLOW"},
        {"key": "pii", "value": "true"},
        {"key": "tier", "value": "1"},
        {"key": "bare"},
        {"key": "nul\0", "value": "x"},
        {"key": "bare", "value": ""},
    ]
    sender.send(run_event(job_facets={"tags": {"tags": tags}}))
    assert the_job().tags == ["finance", "pii", "tier:1", "bare", "nul\ufffd:x"]


def airflow_event(name: str, dag: dict[str, Any], facet: str = "airflow", time: str = at(0)) -> bytes:
    return run_event("START", time, job=name, run_facets={facet: {"dag": {"dag_id": "shop", **dag}}})


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("['b', 'a']", ["a", "b"]),
        ("{'b', 'a'}", ["a", "b"]),
        (["b", "a"], ["b", "a"]),
        ("[]", []),
        ("__import__('os')", []),
        ("[" * 5000, []),
    ],
)
def test_tags_of_providers_without_the_facet(sender: Sender, text: Any, tags: list[str]) -> None:
    sender.send(airflow_event("shop", {"tags": text}, "airflowDagRun"))
    assert the_job("shop").tags == tags


def test_the_dag_of_a_task_that_names_no_parent(sender: Sender) -> None:
    sender.send(airflow_event("shop.grp.load", {"timetable_summary": "@daily"}))
    task = the_job("shop.grp.load")
    assert (task.parent_job_namespace, task.parent_job_name) == ("namespace", "shop")
    assert task.parent_job_id == job_id(sender.connection.id, "namespace", "shop")
    assert task.schedule == ""


@pytest.mark.parametrize(
    ("dag", "schedule"),
    [
        ({"timetable": {"expression": "0 3 * * *", "timezone": "Asia/Tokyo"}}, ("0 3 * * *", "Asia/Tokyo")),
        ({"timetable_summary": "@once", "timetable": {"timezone": "UTC"}}, ("@once", "")),
        ({"timetable_summary": "Asset", "timetable": {"timezone": {"fold": 1}}}, ("Asset", "")),
        ({"timetable": "?"}, ("", "")),
    ],
)
def test_the_schedule_of_a_dag(sender: Sender, dag: dict[str, Any], schedule: tuple[str, str]) -> None:
    sender.send(airflow_event("shop", dag, "airflowDagRun"))
    job = the_job("shop")
    assert (job.schedule, job.schedule_timezone) == schedule


def test_a_job_that_names_itself_as_parent_has_none(sender: Sender) -> None:
    parent = {"run": {"runId": str(UUID(int=1))}, "job": {"namespace": "namespace", "name": "job"}}
    sender.send(run_event(run_facets={"parent": parent}))
    assert the_job().parent_job_id is None


def test_the_columns_are_those_of_the_model() -> None:
    assert set(COLUMNS) <= {field.attname for field in Job._meta.concrete_fields}


OPENLINEAGE = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration"


@pytest.mark.parametrize(
    ("producer", "name", "expected"),
    [
        ("https://github.com/apache/airflow/tree/providers-openlineage/2.20.3", "shop", ("DAG", "AIRFLOW", "")),
        (f"{OPENLINEAGE}/airflow", "shop", ("DAG", "AIRFLOW", "")),
        (f"{OPENLINEAGE}/dbt", "dbt-run-shop", ("JOB", "DBT", "")),
        (f"{OPENLINEAGE}/dbt", "shop.main.shop.orders", ("MODEL", "DBT", "")),
        (f"{OPENLINEAGE}/dbt", "shop.main.shop.orders.build.run", ("MODEL", "DBT", "")),
        (f"{OPENLINEAGE}/dbt", "shop.main.shop.orders.build.test", ("TEST", "DBT", "")),
        (f"{OPENLINEAGE}/dbt", "shop.main.shop.orders.snapshot", ("SNAPSHOT", "DBT", "")),
        (f"{OPENLINEAGE}/dbt", "model.shop.orders.sql.12", ("SQL", "DBT", "")),
        (f"{OPENLINEAGE}/dbt", "seed.shop.orders", ("SEED", "DBT", "")),
        (f"{OPENLINEAGE}/spark", "nightly", ("APPLICATION", "SPARK", "")),
        (f"{OPENLINEAGE}/spark", "nightly.execute_insert_into_t", ("JOB", "SPARK", "")),
        (f"{OPENLINEAGE}/flink", "clicks", ("JOB", "FLINK", "STREAMING")),
        (f"{OPENLINEAGE}/hive", "create_table", ("SQL", "HIVE", "")),
        ("https://github.com/trinodb/trino/plugin/trino-openlineage", "q", ("SQL", "TRINO", "")),
        (f"{OPENLINEAGE}/common/openlineage/provider/great_expectations", "v", ("TEST", "GREAT_EXPECTATIONS", "")),
        ("https://example.com/sparkling/hives", "mine", ("JOB", "", "")),
        ("", "mine", ("JOB", "", "")),
        (None, "mine", ("JOB", "", "")),
        ("https://example.com/airflow/" + "a" * 4000, "mine", ("JOB", "", "")),
    ],
)
def test_what_a_job_is_that_names_no_type(
    sender: Sender, producer: str | None, name: str, expected: tuple[str, str, str]
) -> None:
    sender.send(run_event(job=name, producer=producer))
    assert Job.objects.values_list("kind", "integration", "processing_type").get() == expected


@pytest.mark.parametrize(
    ("said", "kind"), [("QUERY", "SQL"), ("sql_job", "SQL"), ("RDD_JOB", "JOB"), ("APPLICATION", "APPLICATION")]
)
def test_what_a_job_is_by_its_facet(sender: Sender, said: str, kind: str) -> None:
    facet = {"jobType": said, "integration": "spark", "processingType": "batch"}
    sender.send(run_event(producer=f"{OPENLINEAGE}/dbt", job_facets={"jobType": facet}))
    assert Job.objects.values_list("kind", "integration", "processing_type").get() == (kind, "SPARK", "BATCH")
