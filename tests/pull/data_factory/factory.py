"""Data factory and Microsoft's sign-in, as the reference of the REST API describes them, with small pages."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from tests.pull.local_server import Answer, Asked

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
SECRET = "canary-of-a-client-secret"
BASE = "/subscriptions/s1/resourceGroups/shop/providers/Microsoft.DataFactory/factories/loads"
_PAGE = 2


def at(hours: float) -> str:
    """Time so many hours before NOW, with seven digits after the second, as the API writes it."""
    return f"{(NOW - timedelta(hours=hours)).replace(tzinfo=None).isoformat(timespec='microseconds')}0Z"


def run(run_id: str, status: str, *, began: float = 2, ended: float | None = 1, **fields: Any) -> dict[str, Any]:
    times = {"runStart": at(began), "runEnd": None if ended is None else at(ended), "lastUpdated": at(ended or 0.5)}
    return {"runId": run_id, "runGroupId": run_id, "pipelineName": "nightly", "status": status, **times, **fields}


def activity(run_id: str, name: str, status: str, **fields: Any) -> dict[str, Any]:
    times = {"activityRunStart": at(2), "activityRunEnd": at(1.5)}
    return {"activityRunId": run_id, "activityName": name, "activityType": "Copy", "status": status, **times, **fields}


@dataclass
class Factory:
    """`activities`: of the runs, by their ids. `refuse`: an answer to give instead of its own; None: none."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    activities: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    pipelines: list[dict[str, Any]] = field(default_factory=list)
    triggers: list[dict[str, Any]] = field(default_factory=list)
    refuse: Callable[[Asked], Answer | None] = lambda _: None
    tokens: int = 0

    def answer(self, asked: Asked) -> Answer:
        return self.refuse(asked) or self._answer(asked)

    def _answer(self, asked: Asked) -> Answer:
        if asked.path == "/t1/oauth2/v2.0/token":
            form = parse_qs(asked.body.decode())
            assert form["scope"] == ["https://management.azure.com/.default"]
            if form["client_secret"] != [SECRET]:
                return _json({"error": "invalid_client"}, 401)
            self.tokens += 1
            return _json({"access_token": f"token-{self.tokens}", "expires_in": 3599})
        if asked.headers.get("Authorization") != f"Bearer token-{self.tokens}":
            return _json({"error": {"code": "ExpiredAuthenticationToken"}}, 401)
        assert asked.query["api-version"] == ["2018-06-01"]
        return self._found(asked.path.removeprefix(BASE).split("/")[1:], asked)

    def _found(self, path: list[str], asked: Asked) -> Answer:
        match path:
            case ["queryPipelineRuns"]:
                found = _continued(self._changed(json.loads(asked.body)), asked)
            case ["pipelineruns", run_id, "queryActivityruns"]:
                found = _continued(self.activities.get(run_id, []), asked)
            case ["pipelineruns", run_id]:
                runs = [one for one in self.runs if one["runId"] == run_id]
                found = _json(runs[0]) if runs else Answer(404)
            case ["pipelines" | "triggers" as name]:
                found = _linked(self.pipelines if name == "pipelines" else self.triggers, asked)
            case _:
                found = Answer(404)
        return found

    def _changed(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        after, before = (datetime.fromisoformat(body[name]) for name in ("lastUpdatedAfter", "lastUpdatedBefore"))
        return [one for one in self.runs if after <= datetime.fromisoformat(one["lastUpdated"]) <= before]


def _continued(rows: list[Any], asked: Asked) -> Answer:
    start = int(json.loads(asked.body).get("continuationToken") or 0)
    following = {"continuationToken": str(start + _PAGE)} if start + _PAGE < len(rows) else {}
    return _json({"value": rows[start : start + _PAGE], **following})


def _linked(rows: list[Any], asked: Asked) -> Answer:
    start = int(asked.query.get("$skiptoken", ["0"])[0])
    link = f"https://elsewhere.example.com{asked.path}?api-version=2018-06-01&$skiptoken={start + _PAGE}"
    following = {"nextLink": link} if start + _PAGE < len(rows) else {}
    return _json({"value": rows[start : start + _PAGE], **following})


def _json(content: Any, code: int = 200) -> Answer:
    return Answer(code, json.dumps(content).encode())
