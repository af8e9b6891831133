"""The OpenAPI document: made without a warning, and true of what is answered."""

import json
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from jsonschema import Draft202012Validator, FormatChecker

from connections.models import Attempt
from lineage.intake.routes import target_of
from lineage.models import Job, Run
from tests.api.rows import (
    NOW,
    make_activity,
    make_connection,
    make_dataset,
    make_event,
    make_job,
    make_key,
    make_run,
)
from tests.lineage.build import dataset, run_event
from tests.lineage.conftest import make_sender
from tests.web.datasets import ORDERS_ID, send_shop

LINEAGE = "/api/v1/lineage"
FORMATS = FormatChecker(["uuid"])


def _is_instant(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None


def _is_uri(text: object) -> bool:
    return not isinstance(text, str) or text.startswith("http://testserver/api/v1/")


FORMATS.checks("date-time", raises=ValueError)(_is_instant)
FORMATS.checks("uri")(_is_uri)


@pytest.fixture
def document(api: Client) -> dict[str, Any]:
    described: dict[str, Any] = api.get("/api/v1/schema").json()
    return described


def closed(schema: Any) -> Any:
    """The schema with no room for properties that it does not describe."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {name: closed(value) for name, value in schema.items()}
    return {"additionalProperties": False, **copy} if "properties" in copy else copy


@pytest.fixture
def check(document: dict[str, Any]) -> Callable[[str, Any], None]:
    """Asserts that an answer is what the document says of its path and status."""

    def validate(path: str, response: Any) -> None:
        described = document["paths"][path]["get"]["responses"][str(response.status_code)]
        schema = {**described["content"]["application/json"]["schema"], "components": document["components"]}
        Draft202012Validator(closed(schema), format_checker=FORMATS).validate(response.json())

    return validate


def whole_event() -> bytes:
    """An event that says all that can be read from one."""
    error = {"message": "no", "programmingLanguage": "python", "stackTrace": "File"}
    checked = {"dataQualityAssertions": {"assertions": [{"assertion": "not_null", "success": False, "column": "id"}]}}
    return run_event("FAIL", run_facets={"errorMessage": error}, inputs=[{**dataset("raw"), "inputFacets": checked}])


def full_rows() -> tuple[Job, Run]:
    """Save two rows of each resource: one with every value, and one with as few as possible."""
    connection = make_connection()
    make_activity(connection, NOW)
    make_key(connection)
    make_connection("empty")
    Attempt.objects.create(connection=connection, at=NOW, outcome="rejected", status=400, reason="Not JSON.")
    bare_job = make_job(connection, "bare")
    latest: dict[str, Any] = {"latest_run_id": uuid.uuid4(), "latest_run_state": "COMPLETED", "latest_run_at": NOW}
    job = make_job(connection, integration="AIRFLOW", latest_run_started_at=NOW, latest_run_ended_at=NOW, **latest)
    times = {"nominal_start_at": NOW, "nominal_end_at": NOW}
    numbers = {"attempt": 1, "max_attempts": 2, "map_index": 3}
    parents = {
        "parent_run_id": uuid.uuid4(),
        "parent_job_namespace": "prod",
        "parent_job_name": "shop",
        "root_run_id": uuid.uuid4(),
    }
    run = make_run(job, external_id="manual", error_message="no", **times, **numbers, **parents)
    make_run(make_job(make_connection("another")), id=run.id, last_event_at=NOW)
    for job_of_bare in (job, bare_job):
        make_run(job_of_bare, active=False, terminal_type=None, started_at=None, ended_at=None, first_event_at=NOW)
    make_run(bare_job, parent_run_id=run.id)
    make_run(job, attempt=2, map_index=3, parent_run_id=run.parent_run_id)
    make_event(run, whole_event().decode())
    make_event(run, event_type=None, event_time=NOW + timedelta(seconds=1))
    make_dataset(connection)
    return job, run


def test_it_is_made_without_a_warning() -> None:
    call_command("spectacular", "--fail-on-warn", "--validate", "--file", "/dev/null")


def test_it_is_served_as_json_and_as_yaml(api: Client, document: dict[str, Any]) -> None:
    answer = api.get("/api/v1/schema", headers={"Accept": "application/yaml"})
    assert answer.headers["Content-Type"].startswith("application/yaml")
    assert yaml.safe_load(answer.content) == document
    assert document["openapi"] == "3.1.0"


def reading(document: dict[str, Any]) -> dict[str, Any]:
    """The paths of the read API, each with its one operation."""
    return {path: item["get"] for path, item in document["paths"].items() if "get" in item}


def test_it_describes_every_path_with_its_errors_and_how_to_sign_in(document: dict[str, Any]) -> None:
    assert sorted(reading(document)) == [
        "/api/v1/connections",
        "/api/v1/connections/{connection_id}",
        "/api/v1/connections/{connection_id}/jobs",
        "/api/v1/connections/{connection_id}/runs",
        "/api/v1/datasets",
        "/api/v1/datasets/{dataset_id}",
        "/api/v1/datasets/{dataset_id}/columns",
        "/api/v1/datasets/{dataset_id}/runs",
        "/api/v1/datasets/{dataset_id}/schemas",
        "/api/v1/jobs",
        "/api/v1/jobs/{job_id}",
        "/api/v1/jobs/{job_id}/runs",
        "/api/v1/lineage",
        "/api/v1/runs",
        "/api/v1/runs/{run_id}",
        "/api/v1/runs/{run_id}/children",
        "/api/v1/runs/{run_id}/events",
        "/api/v1/search",
    ]
    for path, operation in reading(document).items():
        # Old clients send events to the path of lineage.
        assert list(document["paths"][path]) == (["get", "post"] if path == LINEAGE else ["get"])
        statuses = {"200", "400", "401", "406", "503"} | ({"404"} if "{" in path or path == LINEAGE else set())
        statuses |= {"300"} if "{run_id}" in path else set()
        assert set(operation["responses"]) == statuses, path
        assert operation["security"] == [{"token": []}, {"cookieAuth": []}]


def test_it_describes_the_intake(document: dict[str, Any]) -> None:
    """The intake has its own keys, and each answer of lineage/intake/answers.py."""
    intake = {path: item["post"] for path, item in document["paths"].items() if "post" in item}
    by_id = "/gateway/openlineage/{connection_id}"
    assert set(intake) == {by_id, f"{by_id}/batch", "/api/v1/lineage", "/api/v1/lineage/batch"}
    for path, operation in intake.items():
        assert target_of(path.replace("{connection_id}", str(uuid.uuid4())))
        answers = {"200", "400", "401", "413", "415", "422", "503"}
        answers |= {"403", "404"} if "{" in path else set()
        answers |= set() if path.endswith("/batch") else {"201"}
        assert set(operation["responses"]) == answers
        kinds = ["apiKey"] if "{" in path else ["apiKey", "workspaceKey"]
        assert operation["security"] == [{kind: []} for kind in kinds]


def test_what_real_senders_send_is_as_described(
    document: dict[str, Any], sample_events: Callable[..., list[dict[str, Any]]]
) -> None:
    schema = {"$ref": "#/components/schemas/LineageEvent", "components": document["components"]}
    validator = Draft202012Validator(schema)
    assert [error.message for event in sample_events() for error in validator.iter_errors(event)] == []
    assert not validator.is_valid({**sample_events()[0], "job": {"namespace": "", "name": "x"}})


def test_answers_are_as_described(api: Client, check: Callable[[str, Any], None]) -> None:
    job, run = full_rows()
    send_shop(make_sender(), NOW)
    connection = job.connection_id
    described = {
        "/api/v1/connections": "connections?page_size=1",
        "/api/v1/connections/{connection_id}": f"connections/{connection}",
        "/api/v1/connections/{connection_id}/jobs": f"connections/{connection}/jobs",
        "/api/v1/connections/{connection_id}/runs": f"connections/{connection}/runs?page_size=2",
        "/api/v1/datasets": "datasets",
        "/api/v1/datasets/{dataset_id}": f"datasets/{ORDERS_ID}",
        "/api/v1/datasets/{dataset_id}/columns": f"datasets/{ORDERS_ID}/columns",
        "/api/v1/datasets/{dataset_id}/runs": f"datasets/{ORDERS_ID}/runs",
        "/api/v1/datasets/{dataset_id}/schemas": f"datasets/{ORDERS_ID}/schemas",
        "/api/v1/jobs/{job_id}": f"jobs/{job.id}",
        "/api/v1/jobs/{job_id}/runs": f"jobs/{job.id}/runs",
        "/api/v1/runs": "runs",
        "/api/v1/runs/{run_id}": f"runs/{run.id}",
        "/api/v1/runs/{run_id}/children": f"runs/{run.id}/children",
        "/api/v1/runs/{run_id}/events": f"runs/{run.id}/events?page_size=1",
        "/api/v1/search": "search?q=orders",
    }
    for path, url in described.items():
        response = api.get(f"/api/v1/{url}")
        assert response.status_code == 200
        assert response.json().get("results") != []
        check(path, response)


def test_errors_are_as_described(
    api: Client, client: Client, document: dict[str, Any], check: Callable[[str, Any], None]
) -> None:
    for path in reading(document):
        url = path
        for name in ("{connection_id}", "{job_id}", "{run_id}", "{dataset_id}"):
            url = url.replace(name, str(uuid.uuid4()))
        answers = [
            (client.get(url), 401),
            (api.get(url, headers={"Accept": "text/html"}), 406),
            (api.get(url, {"unknown": ""}), 400),
            *([(api.get(url), 404)] if url != path else []),
        ]
        for response, status in answers:
            assert response.status_code == status
            check(path, response)


def test_every_parameter_that_is_described_is_taken_and_no_other(api: Client, document: dict[str, Any]) -> None:
    job, run = full_rows()
    dataset_id = make_dataset(job.connection, "public.customers").id
    ids = {"{connection_id}": job.connection_id, "{job_id}": job.id, "{run_id}": run.id, "{dataset_id}": dataset_id}
    for path, operation in reading(document).items():
        url = path
        for name, id_ in ids.items():
            url = url.replace(name, str(id_))
        described = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"]
        refusal = api.get(url, {"unknown": "1"} | ({"node": "job:1"} if path == LINEAGE else {})).json()["error"][
            "detail"
        ]["unknown"][0]
        taken = refusal.removeprefix("Unknown here. Known: ").removesuffix(".").split(", ")
        assert taken == (sorted(described) or ["none"])


def test_only_those_who_may_read_see_it(client: Client, db: None) -> None:
    assert client.get("/api/v1/schema").status_code == 401
    assert "error" in json.loads(client.get("/api/v1/schema").content)


DESCRIBED = (
    *("Connection", "OneConnection", "Day", "Lately", "ApiKey", "Attempt"),
    *("Job", "OneJob", "LatestRun", "Statistics", "RecentRun", "Touched", "InnerJob"),
    *("Run", "OneRun", "JobReference", "Relative", "ErrorOfRun", "Try", "RunDataset", "Test", "Problem", "Facets"),
    *("Event", "Dataset", "OneDataset", "User", "Write", "DatasetTest", "LifeChange", "OtherName", "LastWrite"),
    *("Schemas", "SchemaChange", "Difference", "Columns", "ColumnWithOrigin", "Origin", "Influence", "SourceColumn"),
)


def test_the_guide_names_every_endpoint_and_every_field(document: dict[str, Any]) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    for path in reading(document):
        shown = path.removeprefix("/api/v1")
        for name in ("{connection_id}", "{job_id}", "{run_id}", "{dataset_id}"):
            shown = shown.replace(name, "{id}")
        assert f"`{shown}`" in guide
    for component in DESCRIBED:
        for field in document["components"]["schemas"][component]["properties"]:
            assert f"`{field}`" in guide, f"{component}.{field}"
