"""A real dbt project, run by dbt-ol against the running product: its models and tests show, with their states."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.utils import timezone

from api.actions import create_api_token
from lineage.models import Run
from tests.clients.dbt import DbtProject, Node
from tests.live_server import Sender
from tests.serving import LiveServer

STATES = {"success": "COMPLETED", "pass": "COMPLETED", "error": "FAILED", "fail": "FAILED"}


@pytest.fixture
def project(server: LiveServer, sender: Sender, tmp_path: Path) -> DbtProject:
    endpoint = server.path(sender.connection.id).removeprefix("/")
    return DbtProject.copy_to(tmp_path / "shop", url=server.url, endpoint=endpoint, key=sender.key)


@pytest.fixture
def jobs(server: LiveServer, sender: Sender) -> Callable[[str], dict[str, str]]:
    """The jobs of a kind, each with its latest run's state, as the API shows them."""
    user = User.objects.create_user("ada")
    headers = {"Authorization": f"Bearer {create_api_token(user=user, now=timezone.now()).text}"}

    def read(kind: str) -> dict[str, str]:
        url = f"{server.url}/api/v1/connections/{sender.connection.id}/jobs"
        answer = requests.get(url, headers=headers, timeout=10)
        assert answer.status_code == 200, answer.text
        shown: list[dict[str, Any]] = answer.json()["results"]
        assert {(job["namespace"], job["integration"], job["running_runs"]) for job in shown} <= {("shop", "DBT", 0)}
        return {job["name"]: job["latest_run"]["state"] for job in shown if job["kind"] == kind}

    return read


def expected_models(nodes: list[Node]) -> dict[str, str]:
    return {f"model.shop.{n.name}": STATES[n.status] for n in nodes if n.kind == "model"}


def expected_tests(nodes: list[Node]) -> dict[str, str]:
    """dbt-ol (1.54) sends one job for all tests of a model. It has failed where one of them did not pass."""
    passed: dict[str, bool] = {}
    for node in nodes:
        if node.kind == "test":
            passed[node.model] = passed.get(node.model, True) and node.status == "pass"
    return {f"model.shop.{model}.test": "COMPLETED" if ok else "FAILED" for model, ok in passed.items()}


def test_models_and_tests_of_single_commands(project: DbtProject, jobs: Callable[[str], dict[str, str]]) -> None:
    project.run("seed")
    assert jobs("JOB") == {"dbt-run-shop": "COMPLETED"}

    models = project.run("run", "--exclude", "refunds")
    assert len(models) == 2
    assert jobs("MODEL") == expected_models(models)

    tests = project.run("test", "--exclude", "refunds", succeeds=False)
    assert {test.status for test in tests} == {"pass", "fail"}
    assert jobs("TEST") == expected_tests(tests)
    assert jobs("MODEL") == expected_models(models)
    assert jobs("JOB") == {"dbt-run-shop": "FAILED"}


def test_a_build_with_a_model_that_fails_and_a_test_that_is_skipped(
    project: DbtProject, jobs: Callable[[str], dict[str, str]], sender: Sender
) -> None:
    nodes = project.run("build", succeeds=False)

    assert {node.status for node in nodes} == {"success", "pass", "fail", "error", "skipped"}
    assert jobs("MODEL") == expected_models(nodes)
    assert jobs("MODEL")["model.shop.refunds"] == "FAILED"
    # The one that is skipped, too: dbt-ol reports it as failed.
    assert jobs("TEST") == expected_tests(nodes)

    runs = Run.objects.filter(connection=sender.connection)
    build = runs.get(job__name="dbt-run-shop")
    assert build.state == "FAILED"
    assert set(runs.exclude(id=build.id).values_list("parent_run_id", "parent_job_name")) == {
        (build.id, "dbt-run-shop")
    }
    assert not sender.connection.attempts.filter(outcome="rejected").exists()
