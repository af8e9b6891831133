from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from lineage.models import Job
from tests.api.rows import HOUR, NOW, make_connection, make_job, make_run, make_running_runs

Read = Callable[..., Any]


# What a job alone shows, beyond a list's row, before it ran.
NOTHING_MORE: dict[str, Any] = {
    "story": "It has not run yet: events described the job, but none was about a run.",
    "reason": None,
    "reason_runs": [],
    "links": [],
    "statistics": None,
    "recent_runs": [],
    "reads": [],
    "writes": [],
    "contains": [],
}


def ran(state: str, **fields: Any) -> dict[str, Any]:
    latest = {"latest_run_id": uuid4(), "latest_run_state": state, "latest_run_at": NOW, "latest_run_started_at": NOW}
    return {**latest, **fields}


def test_a_job_that_never_ran(read: Read) -> None:
    job = make_job(make_connection(), "shop.orders", kind="TASK")
    assert read(f"jobs/{job.id}") == {
        "id": str(job.id),
        "connection_id": str(job.connection_id),
        "namespace": "prod",
        "name": "shop.orders",
        "kind": "TASK",
        "integration": None,
        "processing_type": None,
        "description": None,
        "owners": [],
        "tags": [],
        "schedule": None,
        "schedule_timezone": None,
        "source_url": None,
        "parent": None,
        "latest_run": None,
        "running_runs": 0,
        **NOTHING_MORE,
    }


def test_a_job_that_ran(read: Read) -> None:
    ended_at = NOW + timedelta(seconds=1, microseconds=999)
    job = make_job(make_connection(), integration="AIRFLOW", **ran("COMPLETED", latest_run_ended_at=ended_at))
    shown = read(f"jobs/{job.id}")
    assert shown["integration"] == "AIRFLOW"
    assert shown["latest_run"] == {
        "id": str(job.latest_run_id),
        "state": "COMPLETED",
        "started_at": "2026-03-02T12:00:00Z",
        "ended_at": "2026-03-02T12:00:01.000999Z",
        "duration_ms": 1000,
    }


def test_what_events_said_of_a_job(read: Read) -> None:
    connection = make_connection()
    parent_id = uuid4()
    facts: dict[str, Any] = {
        "processing_type": "BATCH",
        "description": "Loads orders.",
        "owners": ["data-team", "ops"],
        "tags": ["finance", "tier:1"],
        "schedule": "0 3 * * *",
        "schedule_timezone": "UTC",
        "source_url": "https://example.com/shop.py",
    }
    parent: dict[str, Any] = {"parent_job_id": parent_id, "parent_job_namespace": "prod", "parent_job_name": "shop"}
    job = make_job(connection, **facts, **parent)
    shown = read(f"jobs/{job.id}")
    assert {name: shown[name] for name in facts} == facts
    assert shown["parent"] == {"id": str(parent_id), "namespace": "prod", "name": "shop"}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"owner": "ops"}, ["b"]),
        ({"owner": "OPS"}, []),
        ({"tag": 'a"b,{}'}, ["a", "b"]),
        ({"tag": 'a"b,{}', "owner": "data"}, ["a", "b"]),
        ({"parent": "00000000-0000-0000-0000-000000000007"}, ["c"]),
    ],
)
def test_filters_by_owner_tag_and_parent(read: Read, query: dict[str, str], names: list[str]) -> None:
    connection = make_connection()
    make_job(connection, "a", owners=["data"], tags=['a"b,{}'])
    make_job(connection, "b", owners=["data", "ops"], tags=["x", 'a"b,{}'])
    make_job(connection, "c", parent_job_id="00000000-0000-0000-0000-000000000007")
    found = read(f"connections/{connection.pk}/jobs", **query)["results"]
    assert [job["name"] for job in found] == names


@pytest.mark.parametrize(
    "times",
    [
        {"latest_run_started_at": None, "latest_run_ended_at": NOW},
        {"latest_run_started_at": NOW, "latest_run_ended_at": None},
        {"latest_run_started_at": NOW, "latest_run_ended_at": NOW - HOUR},
    ],
    ids=["no start", "no end", "end before start"],
)
def test_a_duration_that_is_not_known_is_null(read: Read, times: dict[str, Any]) -> None:
    job = make_job(make_connection(), **ran("COMPLETED", **times))
    assert read(f"jobs/{job.id}")["latest_run"]["duration_ms"] is None


def test_jobs_go_by_namespace_and_name_and_show_what_each_one_shows(read: Read) -> None:
    connection = make_connection()
    make_job(make_connection("another"), "another's")
    for namespace, name in (("b", "a"), ("a", "b"), ("a", "a")):
        make_job(connection, name, namespace=namespace, **ran("FAILED"))
    results = read(f"connections/{connection.pk}/jobs")["results"]
    assert [(job["namespace"], job["name"]) for job in results] == [("a", "a"), ("a", "b"), ("b", "a")]
    of_one = read(f"jobs/{results[0]['id']}")
    assert of_one == {**results[0], **NOTHING_MORE, "story": of_one["story"]}


def test_jobs_of_all_connections(read: Read) -> None:
    one, other = make_connection(), make_connection("another")
    make_job(one, "a", kind="TASK", **ran("FAILED"))
    make_job(other, "b", **ran("COMPLETED"))

    def names(query: str) -> list[str]:
        return [job["name"] for job in read(f"jobs{query}")["results"]]

    assert names("") == ["a", "b"]
    assert names(f"?connection_id={other.pk}") == ["b"]
    assert names("?state=FAILED&kind=TASK&search=A") == ["a"]


def test_how_the_latest_runs_went(read: Read) -> None:
    job = make_job(make_connection())
    for minutes in (1, 2, 3):
        make_run(job, started_at=NOW - HOUR, ended_at=NOW - HOUR + timedelta(minutes=minutes))
    make_run(job, terminal_type="FAIL")
    tried = {"parent_run_id": uuid4(), "started_at": NOW - HOUR}
    make_run(job, terminal_type="FAIL", attempt=1, ended_at=NOW - HOUR, **tried)
    make_run(job, attempt=2, ended_at=NOW - HOUR + timedelta(minutes=2), **tried)
    statistics = read(f"jobs/{job.id}")["statistics"]
    assert statistics.pop("runs_per_day") > 0
    assert statistics == {
        "runs": 6,
        "ended": 5,
        "completed": 4,
        "failed": 1,
        "retried": 1,
        "success_rate": 0.8,
        "median_duration_ms": 120_000,
        "p95_duration_ms": 171_000,
    }


def test_what_a_job_contains(read: Read) -> None:
    """Jobs of other connections count, but not those that another deployment with equal run ids started."""
    run_id = uuid4()
    child = {"parent_run_id": run_id, "parent_job_name": "shop"}

    def deploy(name: str) -> tuple[Job, Job]:
        connection = make_connection(name)
        dag, task = make_job(connection, "shop"), make_job(connection, "shop.load", kind="TASK", **ran("FAILED"))
        make_run(dag, id=run_id)
        make_run(task, **child)
        return dag, task

    def contained(job: Job) -> set[str]:
        return {inner["id"] for inner in read(f"jobs/{job.id}")["contains"]}

    dag, task = deploy("production")
    model = make_job(make_connection("dbt", "dbt"), "model", kind="MODEL")
    make_run(model, **child)
    assert contained(dag) == {str(task.id), str(model.id)}
    staging, task_of_staging = deploy("staging")
    assert contained(dag) == {str(task.id)}
    assert contained(staging) == {str(task_of_staging.id)}


def test_filters(read: Read) -> None:
    connection = make_connection()
    failed = make_running_runs(make_job(connection, "Orders daily", kind="DAG"))
    make_run(failed, terminal_type="FAIL", started_at=NOW + HOUR, ended_at=NOW + HOUR)
    make_job(connection, "orders_daily.load", kind="TASK", **ran("COMPLETED"))
    make_running_runs(make_job(connection, "customers 100%", kind="TASK", namespace="test"))
    make_job(connection, "new", kind="JOB")

    def names(**query: str) -> list[str]:
        return sorted(job["name"] for job in read(f"connections/{connection.pk}/jobs", **query)["results"])

    assert names(state="FAILED") == ["Orders daily"]
    assert names(state="RUNNING") == ["Orders daily", "customers 100%"]
    assert names(kind="TASK") == ["customers 100%", "orders_daily.load"]
    assert names(namespace="test") == ["customers 100%"]
    assert names(namespace="TEST") == []
    assert names(search="daily ORDERS") == ["Orders daily", "orders_daily.load"]
    assert names(search="100%") == ["customers 100%"]
    assert names(search="_") == ["orders_daily.load"]
    assert names(search="daily", kind="TASK", state="COMPLETED") == ["orders_daily.load"]
    assert len(names(search=" ")) == 4


def test_a_removed_connections_job_is_gone(read: Read) -> None:
    job = make_job(make_connection(removed_at=NOW))
    read(f"jobs/{job.id}", 404)
    read(f"jobs/{job.id}/runs", 404)


def test_an_id_that_nothing_has(read: Read) -> None:
    read(f"jobs/{uuid4()}", 404)
    read(f"jobs/{uuid4()}/runs", 404)
