"""Answers that tests/senders/airflow_api_answers.py got from real Airflows: what fetching takes for granted holds."""

import json
from typing import Any

import msgspec
import pytest

from pull.sources.airflow import records
from tests.conftest import SAMPLES

_ROWS = {"dag_runs": records.DagRuns, "task_instances": records.TaskInstances}


def _answers(name: str) -> list[dict[str, Any]]:
    lines = (SAMPLES / "pull" / f"{name}.ndjson").read_text().splitlines()
    return [answer for line in lines if (answer := json.loads(line))["method"] != "SQL"]


@pytest.mark.parametrize("release", ["2", "3"])
def test_records_of_runs_under_way_are_read(release: str) -> None:
    states = set()
    for answer in _answers(f"airflow-{release}-midway"):
        name = next(name for name in _ROWS if name in answer["body"])
        page = msgspec.convert(answer["body"], _ROWS[name], strict=False)
        states |= {row.state for row in getattr(page, name)}
    assert {"running", None} <= states


def test_airflow_knows_each_state_that_is_asked_for() -> None:
    asked = [one for one in _answers("airflow-3-answers") if one["query"].get("state") == "no_such_state"]
    known = asked[-1]["body"]["detail"].partition("Valid values are ")[2].split(", ")
    assert set(known) >= records.RUNNING


@pytest.mark.parametrize(("release", "path", "status"), [("3", "/auth/token", 401), ("2", "/api/v1/dags", 403)])
def test_a_wrong_password_is_refused(release: str, path: str, status: int) -> None:
    """Airflow 2 takes a person without a valid password for its public user, who has no rights."""
    first = next(one for one in _answers(f"airflow-{release}-answers") if one["path"] == path)
    assert first["status"] == status
