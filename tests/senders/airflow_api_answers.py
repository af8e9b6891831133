"""Writes how real Airflows answer a user who may only read into tests/samples/pull: filters, orders, pages, refusals,
and, in a file of their own, runs that are under way.

One JSON object per line: method, path, query, sent (if any), status, has_date (the header), body. A line with the
method SQL has the database's times of the last change instead, which the API filters by but does not tell.

    .venv/bin/python -m tests.senders.airflow_api_answers 3
    .venv/bin/python -m tests.senders.airflow_api_answers 2
"""

import json
import re
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.senders.airflow import Airflow, running_airflow
from tests.senders.airflow_api_capture import SAMPLES
from tests.senders.airflow_capture import machine_of
from tests.senders.airflow_viewer import VIEWER, ViewedAirflow, ViewedAirflow2

_RELEASES: Final = {"3": ViewedAirflow, "2": ViewedAirflow2}
_TRIGGERED: Final = ("cleared_whole", "mapped", "recovers", "skips_itself")
_CLEARED: Final = "cleared_whole"
_RETRIED: Final = "recovers"
_LONG_AGO: Final = "2000-01-01T00:00:00Z"
_FAR_AHEAD: Final = "2100-01-01T00:00:00Z"
_RUNS: Final = "dags/~/dagRuns"
_TASKS: Final = "dags/~/dagRuns/~/taskInstances"
_ORDERS: Final = ("id", "-id", "updated_at", "start_date", "end_date", "run_after", "logical_date", "map_index")
_SECONDS: Final = 300
# Rows of the other samples: here their number counts.
_UNREAD: Final = ("dag_version", "dag_versions", "rendered_fields", "file_token", "fileloc", "doc_md", "params")


class Asked:
    """Asks the API and keeps the answers, in their order."""

    def __init__(self, airflow: ViewedAirflow | ViewedAirflow2) -> None:
        self.airflow = airflow
        self.answers: list[dict[str, Any]] = []
        self.headers = airflow.viewer_headers()
        self.session = requests.Session()
        # A busy machine refuses connections.
        self.session.mount("http://", HTTPAdapter(max_retries=Retry(connect=6, backoff_factor=1)))

    def ask(self, path: str, method: str = "GET", *, body: Any = None, **query: Any) -> Any:
        url = f"{self.airflow.url}/{self.airflow.api}/{path}"
        headers = self.headers | {"Accept": "application/json"}
        answer = self.session.request(method, url, params=query, json=body, headers=headers, timeout=60)
        return self._kept(answer, query, **({} if body is None else {"sent": body}))

    def _kept(self, answer: requests.Response, query: Any, **sent: Any) -> Any:
        is_json = "json" in answer.headers.get("Content-Type", "")
        body = _without_unread(answer.json()) if is_json else answer.text[:500]
        path = f"/{answer.request.url}".partition(self.airflow.url)[2].partition("?")[0]
        line = {"method": answer.request.method, "path": path, "query": query, "status": answer.status_code}
        self.answers.append(line | sent | {"has_date": "Date" in answer.headers, "body": body})
        return body

    def sign_in(self, password: str) -> None:
        """Ask with another password: for a token, or as each request's credentials."""
        user = {"username": VIEWER, "password": password}
        if self.airflow.is_old:
            url, pair = f"{self.airflow.url}/{self.airflow.api}/dags", (VIEWER, password)
            self._kept(self.session.get(url, auth=pair, timeout=60), {})
        else:
            self._kept(self.session.post(f"{self.airflow.url}/auth/token", json=user, timeout=60), {})

    def pages(self, path: str, name: str, **query: Any) -> list[Any]:
        rows: list[Any] = []
        while page := self.ask(path, **query, limit=100, offset=len(rows))[name]:
            rows += page
        return rows

    def without_sign_in(self, path: str) -> None:
        kept, self.headers = self.headers, {}
        self.ask(path)
        self.headers = kept


def main(release: str) -> None:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="obs-answers-")))
        airflow = stack.enter_context(running_airflow(home, '{"type": "console"}', _RELEASES[release]))
        assert isinstance(airflow, ViewedAirflow | ViewedAirflow2)
        airflow.await_that(airflow.is_up, "Airflow's API", seconds=_SECONDS)
        _await_dags(airflow)
        asked = Asked(airflow)
        # Even what was asked until a failure.
        # Another ending than that of samples of events, which many tests read.
        stack.callback(write, f"airflow-{release}-answers.ndjson", asked.answers, machine_of(airflow))
        _run(asked)
        write(f"airflow-{release}-midway.ndjson", asked.answers, machine_of(airflow))
        _await_ends(airflow)
        _note_changes(asked, "ended")
        _ask_refused(asked)
        _ask_filtered(asked)
        _ask_batches(asked)
        _clear(asked)


def write(name: str, answers: list[dict[str, Any]], machine: dict[str, str]) -> None:
    text = "".join(json.dumps(answer, separators=(",", ":")) + "\n" for answer in answers)
    for ours, theirs in machine.items():
        text = text.replace(ours, theirs)
    text = re.sub(r'"(hostname|unixname)":"[^"]*"', r'"\1":"worker.example.com"', text)
    (SAMPLES / name).write_text(re.sub(r"/tmp/tmp\w+", "/opt/airflow/cfg", text))  # noqa: S108


def _await_dags(airflow: Airflow) -> None:
    read = "SELECT count(*) = %s AS all FROM serialized_dag WHERE dag_id = ANY(%s)"
    names = list(_TRIGGERED)
    airflow.await_that(lambda: airflow.rows(read, len(names), names)[0]["all"], "DAGs", seconds=_SECONDS)


def _run(asked: Asked) -> None:
    """Run a few DAGs, and ask in the middle."""
    airflow = asked.airflow
    for dag_id in _TRIGGERED:
        airflow.trigger(dag_id)
    begun = "SELECT FROM task_instance WHERE state = 'running'"
    airflow.await_that(lambda: airflow.rows(begun), "a running task", seconds=_SECONDS)
    asked.pages(_RUNS, "dag_runs", order_by="id")
    asked.pages(_TASKS, "task_instances", **({} if airflow.is_old else {"order_by": "id"}))
    _note_changes(asked, "while they run")


def _await_ends(airflow: Airflow) -> None:
    under_way = "SELECT FROM dag_run WHERE state NOT IN ('success', 'failed')"
    airflow.await_that(lambda: not airflow.rows(under_way), "all DAG runs ended", seconds=_SECONDS)


def _note_changes(asked: Asked, when: str) -> None:
    """Keep the database's times of the last change, which the API only filters by."""
    runs = "SELECT dag_id, run_id, state, clear_number, start_date, end_date, updated_at FROM dag_run ORDER BY dag_id"
    tasks = "SELECT dag_id, task_id, map_index, try_number, state, updated_at FROM task_instance ORDER BY 1, 2, 3"
    rows = {"dag_run": asked.airflow.rows(runs), "task_instance": asked.airflow.rows(tasks)}
    asked.answers.append({"method": "SQL", "path": when, "body": json.loads(json.dumps(rows, default=str))})


def _ask_refused(asked: Asked) -> None:
    asked.sign_in("wrong")
    asked.without_sign_in("dags")
    for path in ("version", "eventLogs", "config", "variables", "connections", "pools", "providers", "importErrors"):
        asked.ask(path)
    asked.ask("dags/no_such_dag/details")
    asked.ask("dags/no_such_dag/dagRuns")
    asked.ask("dags", no_such_parameter="1")
    asked.ask("dags", limit="many")
    asked.ask(f"dags/{_CLEARED}/clearTaskInstances", "POST", body={"dry_run": True})
    for kind in ("assets", "datasets"):
        asked.ask(kind)
        asked.ask(f"{kind}/events")
    for path in ("details", "tasks"):
        asked.ask(f"dags/{_RETRIED}/{path}")


def _ask_filtered(asked: Asked) -> None:
    for path in (_RUNS, _TASKS):
        for order in _ORDERS:
            asked.ask(path, order_by=order, limit=1)
            asked.ask(path, order_by=order, limit=1, updated_at_gte=_LONG_AGO)
        asked.ask(path, updated_at_gte=_LONG_AGO, updated_at_lte=_FAR_AHEAD, limit=1)
        asked.ask(path, updated_at_gte=_FAR_AHEAD, limit=1)
        asked.ask(path, updated_at_lte=_LONG_AGO, limit=1)
        asked.ask(path, updated_at_gt=_LONG_AGO, limit=1)
        asked.ask(path, updated_at_gte="yesterday", limit=1)
        asked.ask(path, state=["running", "failed"], limit=1)
        asked.ask(path, state="no_such_state", limit=1)
        asked.ask(path, no_such_parameter="1", limit=1)
        asked.ask(path, cursor="", limit=1)
        asked.ask(path, limit=100, offset=10_000)
        asked.ask(path, cursor="", order_by="id", updated_at_gte=_LONG_AGO, limit=1)
        asked.ask(path, limit=100)
    asked.ask(_TASKS, state="success", updated_at_gte=_LONG_AGO, limit=1)


def _ask_batches(asked: Asked) -> None:
    runs = asked.airflow.rows("SELECT run_id FROM dag_run ORDER BY id LIMIT 2")
    ids = [row["run_id"] for row in runs]
    asked.ask(f"{_RUNS}/list", "POST", body={"page_limit": 100})
    asked.ask(f"{_RUNS}/list", "POST", body={"dag_ids": list(_TRIGGERED[:2]), "states": ["success"]})
    asked.ask(f"{_RUNS}/list", "POST", body={"dag_run_ids": ids})
    asked.ask(f"{_TASKS}/list", "POST", body={"dag_ids": list(_TRIGGERED[:2]), "page_limit": 100})
    asked.ask(f"{_TASKS}/list", "POST", body={"dag_run_ids": ids, "state": ["success", "failed"]})
    asked.ask(_RUNS, dag_run_id=ids)
    asked.ask(_RUNS, run_id=ids)
    asked.ask(_RUNS, run_id_pattern="|".join(ids))
    for row in asked.airflow.rows("SELECT * FROM task_instance WHERE try_number > 1 OR map_index = 1"):
        mapped = f"/{row['map_index']}" if row["map_index"] >= 0 else ""
        path = "dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}".format(**row)
        asked.ask(f"{path}{mapped}/tries")


def _clear(asked: Asked) -> None:
    """Clear a DAG run: its times of the last change, before and after."""
    airflow = asked.airflow
    run_id = airflow.rows("SELECT run_id FROM dag_run WHERE dag_id = %s", _CLEARED)[0]["run_id"]
    before = datetime.now(UTC).isoformat()
    asked.ask(_RUNS, updated_at_gte=before, order_by="id")
    airflow.call("POST", f"dags/{_CLEARED}/dagRuns/{run_id}/clear", dry_run=False)
    asked.ask(_RUNS, updated_at_gte=before, order_by="id")
    _note_changes(asked, "cleared")
    _await_ends(airflow)
    asked.ask(_RUNS, updated_at_gte=before, order_by="id")
    asked.ask(_TASKS, updated_at_gte=before)
    _note_changes(asked, "ended again")


def _without_unread(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_unread(one) for name, one in value.items() if name not in _UNREAD}
    return [_without_unread(one) for one in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main(*sys.argv[1:])
