"""API of Airflow 3 or 2, with records of a real one that tests/senders/airflow_api_capture.py wrote."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import unquote

from tests.conftest import SAMPLES
from tests.pull.local_server import Answer, Asked, LocalServer, answering

PASSWORD = "canary-of-a-password"
NAMESPACE = "shop"
_TOKEN = "canary-of-a-token"
_BASIC = "Basic " + base64.b64encode(f"viewer:{PASSWORD}".encode()).decode()
_MOST_ROWS = 5
# After all that the records say.
NOW = datetime(2026, 12, 1, 16, 0, tzinfo=UTC)

Records = dict[str, Any]


@cache
def _captured(release: int) -> str:
    return (SAMPLES / "pull" / f"airflow-{release}.json").read_text()


@dataclass
class Replay:
    """Answers from `records`: those of the scenario, as they were at its end. `refuse`: an answer to give instead."""

    refuse: Callable[[Asked], Answer | None] = lambda _: None
    release: int = 3
    records: Records = field(init=False)

    def __post_init__(self) -> None:
        self.records = json.loads(_captured(self.release))

    def answer(self, asked: Asked) -> Answer:
        return self.refuse(asked) or self._answer(asked)

    def _answer(self, asked: Asked) -> Answer:
        if asked.path == "/auth/token" and self.release == 3:
            is_right = json.loads(asked.body).get("password") == PASSWORD
            return _json({"access_token": _TOKEN}, 201) if is_right else _json({"detail": "Invalid credentials"}, 401)
        base = "/api/v2/" if self.release == 3 else "/api/v1/"
        if not asked.path.startswith(base):
            return Answer(404)
        path = [unquote(part) for part in asked.path.removeprefix(base).split("/")]
        if path == ["version"]:
            return _json(self.records["version"])
        if asked.headers.get("Authorization") != (f"Bearer {_TOKEN}" if self.release == 3 else _BASIC):
            return _json({"detail": "Not authenticated"}, 401)
        # Airflow 2 does not tell the role Viewer its providers.
        is_hidden = path == ["providers"] and self.release == 2
        found = None if is_hidden else self._found(path, asked.query)
        return _json(found, 200) if found is not None else Answer(403 if is_hidden else 404)

    def _found(self, path: list[str], query: dict[str, list[str]]) -> Any:
        match path:
            case ["dags"]:
                found = _page("dags", self.records["dags"], query)
            case ["providers"]:
                found = {"providers": [{"package_name": "apache-airflow-providers-openlineage", "version": "2.20.3"}]}
            case ["dags", dag, "tasks"]:
                found = {"tasks": self.records["tasks"][dag]} if dag in self.records["tasks"] else None
            case ["dags", "~", "dagRuns"]:
                found = _page("dag_runs", self.records["dag_runs"], query)
            case ["dags", dag, "dagRuns", run]:
                found = next(iter(_of(self.records["dag_runs"], dag, run)), None)
            case ["dags", dag, "dagRuns", run, "taskInstances"]:
                found = _page("task_instances", _of(self.records["task_instances"], dag, run), query)
            case ["dags", dag, "dagRuns", run, "taskInstances", task, *mapped, "tries"]:
                key = "/".join((dag, run, task, mapped[0] if mapped else "-1"))
                found = {"task_instances": self.records["tries"].get(key, [])}
            case ["dags", dag, "dagRuns", run, "taskInstances", task, "logs", number]:
                map_index = query.get("map_index", ["-1"])[0]
                found = self.records["logs"].get("/".join((dag, run, task, map_index, number)))
            case _:
                found = None
        return found


def _of(rows: list[Any], dag: str, run: str) -> list[Any]:
    return [row for row in rows if dag in ("~", row["dag_id"]) and run in ("~", row["dag_run_id"])]


@contextmanager
def replayed(replay: Replay | None = None) -> Iterator[tuple[LocalServer, Replay]]:
    replay = replay or Replay()
    with answering(replay.answer) as server:
        server.now = NOW
        yield server, replay


def _page(name: str, rows: list[Any], query: dict[str, list[str]]) -> Any:
    def text(parameter: str) -> str | None:
        return query[parameter][0] if parameter in query else None

    rows = [
        row
        for row in rows
        if _is_after(_changed_at(row), text("updated_at_gte"))
        and not _is_after(_changed_at(row), text("updated_at_lte"), equal=False)
        and not _is_after(row.get("start_date"), text("start_date_lte"), equal=False)
        and ("start_date_gte" not in query or _is_after(row.get("start_date"), text("start_date_gte")))
        and ("state" not in query or row.get("state") in query["state"])
    ]
    if text("order_by") == "-start_date":
        rows.sort(key=lambda row: str(row["start_date"]), reverse=True)
    offset, limit = int(text("offset") or 0), min(int(text("limit") or 50), _MOST_ROWS)
    return {name: rows[offset : offset + limit], "total_entries": len(rows)}


def _changed_at(row: Any) -> Any:
    """Time of a row's last change: the API takes it in filters, and does not tell it."""
    return row.get("end_date") or row.get("start_date") or row.get("run_after")


def _is_after(time: Any, bound: str | None, *, equal: bool = True) -> bool:
    if bound is None or time is None:
        return equal
    at, limit = datetime.fromisoformat(time), datetime.fromisoformat(bound)
    return at >= limit if equal else at > limit


def _json(content: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(content).encode())
