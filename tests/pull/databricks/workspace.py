"""Workspace of Databricks, as the reference of its Jobs API 2.2 describes it: paging by token, small pages."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.pull.local_server import Answer, Asked

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
TOKEN = "canary-of-a-token"
_PAGE = 2


def ms(*, hours: float = 0) -> int:
    """Milliseconds of a time so many hours before NOW."""
    return int((NOW.timestamp() - hours * 3600) * 1000)


def status(result: str, message: str = "") -> dict[str, Any]:
    """State of a run that has ended, in both forms of the API."""
    code = {"FAILED": "RUN_EXECUTION_ERROR"}.get(result, result)
    kind = "SUCCESS" if result.startswith("SUCCESS") else "CLIENT_ERROR"
    details = {"code": code, "type": kind, "message": message}
    return {
        "status": {"state": "TERMINATED", "termination_details": details},
        "state": {"life_cycle_state": "TERMINATED", "result_state": result, "state_message": message},
    }


def under_way(state: str = "RUNNING") -> dict[str, Any]:
    return {"status": {"state": state}, "state": {"life_cycle_state": state}, "end_time": 0}


def run(run_id: int, state: dict[str, Any], *, began: float = 2, ended: float = 1, **fields: Any) -> dict[str, Any]:
    made = {"run_id": run_id, "job_id": 11, "run_name": "nightly", "attempt_number": 0, "tasks": []}
    return {**made, "start_time": ms(hours=began), "end_time": ms(hours=ended), **state, **fields}


def task(run_id: int, key: str, state: dict[str, Any], *, began: float = 2, ended: float = 1, **fields: Any) -> Any:
    times = {"start_time": ms(hours=began), "end_time": ms(hours=ended)}
    return {"run_id": run_id, "task_key": key, "attempt_number": 0, **times, **state, **fields}


@dataclass
class Workspace:
    """`refuse`: an answer to give instead of its own; None: none."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=lambda: [{"job_id": 11, "settings": {"name": "nightly"}}])
    refuse: Callable[[Asked], Answer | None] = lambda _: None
    token: str = TOKEN

    def answer(self, asked: Asked) -> Answer:
        return self.refuse(asked) or self._answer(asked)

    def _answer(self, asked: Asked) -> Answer:
        if asked.path == "/oidc/v1/token":
            return _json({"access_token": self.token, "expires_in": 3600})
        if asked.headers.get("Authorization") != f"Bearer {self.token}":
            return _json({"error_code": "401", "message": "Invalid access token."}, 401)
        match asked.path:
            case "/api/2.2/jobs/list":
                return _page("jobs", self.jobs, asked)
            case "/api/2.2/jobs/runs/list":
                return _page("runs", [_first_tasks(one) for one in self._listed(asked)], asked)
            case "/api/2.2/jobs/runs/get":
                return self._one(asked)
        return Answer(404)

    def _listed(self, asked: Asked) -> list[dict[str, Any]]:
        since = int(asked.query.get("start_time_from", ["0"])[0])
        until = int(asked.query.get("start_time_to", [str(2**60)])[0])
        active = asked.query.get("active_only") == ["true"]
        found = [one for one in self.runs if since <= one["start_time"] <= until and not (active and one["end_time"])]
        return sorted(found, key=lambda one: -int(one["start_time"]))

    def _one(self, asked: Asked) -> Answer:
        found = next((one for one in self.runs if str(one["run_id"]) == asked.query["run_id"][0]), None)
        if found is None:
            return _json({"error_code": "RESOURCE_DOES_NOT_EXIST"}, 404)
        tasks = json.loads(_page("tasks", found["tasks"], asked).body)
        return _json({**found, **tasks})


def _first_tasks(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "tasks": one["tasks"][:_PAGE], "has_more": len(one["tasks"]) > _PAGE}


def _page(name: str, rows: list[Any], asked: Asked) -> Answer:
    start = int(asked.query.get("page_token", ["0"])[0])
    following = {"next_page_token": str(start + _PAGE)} if start + _PAGE < len(rows) else {}
    return _json({name: rows[start : start + _PAGE], **following})


def _json(content: Any, code: int = 200) -> Answer:
    return Answer(code, json.dumps(content).encode())
