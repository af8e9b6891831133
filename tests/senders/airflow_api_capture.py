"""Writes what real Airflows tell of the scenario into tests/samples/pull: the records of the API that fetching reads,
the events that this Airflow pushed, and what its metadata database says.

    .venv/bin/python -m tests.senders.airflow_api_capture
"""

import dataclasses
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import requests

from lineage.database.bodies import decompress
from tests.senders.airflow import running_airflow
from tests.senders.airflow_capture import machine_of, scrubbed
from tests.senders.airflow_record import Record
from tests.senders.airflow_scenario import play
from tests.senders.airflow_shown import running_observatory
from tests.senders.airflow_viewer import ViewedAirflow, ViewedAirflow2
from tests.serving import ROOT

SAMPLES: Final = ROOT / "tests" / "samples" / "pull"
# Fields that nothing reads, and that are long or name this machine.
_UNREAD: Final = frozenset(
    (
        *("dag_version", "dag_versions", "rendered_fields", "executor_config", "file_token", "fileloc", "hostname"),
        *(
            "unixname",
            "params",
            "retry_delay",
            "template_fields",
            "class_ref",
            "extra_links",
            "trigger",
            "conf",
            "note",
            "message",
        ),
    )
)


def main() -> None:
    SAMPLES.mkdir(exist_ok=True)
    capture("airflow-3", ViewedAirflow)
    capture("airflow-2", ViewedAirflow2)


def capture(sample: str, release: type[ViewedAirflow | ViewedAirflow2]) -> None:
    with tempfile.TemporaryDirectory(prefix="obs-capture-") as name:
        directory = Path(name)
        with running_observatory(directory) as observatory:
            with running_airflow(directory, observatory.transport, release) as airflow:
                assert isinstance(airflow, release)
                play(airflow)
                machine = machine_of(airflow)
                write_api(sample, airflow.url, airflow.viewer_headers(), airflow.api, machine)
                write_record(sample, Record.of(airflow))
            write_pushed(sample, observatory.database.url, machine)


def write_api(name: str, url: str, headers: dict[str, str], version: str, machine: dict[str, str]) -> None:
    api = _Api(f"{url}/{version}", headers)
    runs = list(api.rows("dags/~/dagRuns", "dag_runs"))
    tasks = list(api.rows("dags/~/dagRuns/~/taskInstances", "task_instances"))
    dags = list(api.rows("dags", "dags"))
    names = {(task["dag_id"], task["dag_run_id"], task["task_id"], task["map_index"]) for task in tasks}
    captured = {
        "version": api.get("version"),
        "dags": dags,
        "tasks": {dag["dag_id"]: api.get(f"dags/{dag['dag_id']}/tasks")["tasks"] for dag in dags},
        "dag_runs": runs,
        "task_instances": tasks,
        "tries": {"/".join(map(str, key)): api.tries(*key) for key in sorted(names)},
    }
    failed = [one for tries in captured["tries"].values() for one in tries if one["state"] == "failed" and one["pid"]]
    captured = _scrubbed(captured) | {"logs": {log_key(one): api.log(one) for one in failed}}
    _write(f"{name}.json", captured, machine)


def write_record(name: str, record: Record) -> None:
    _write(f"{name}-record.json", dataclasses.asdict(record))


def write_pushed(name: str, database_url: str, machine: dict[str, str]) -> None:
    with psycopg.connect(database_url) as connection:
        bodies = connection.execute("SELECT body FROM lineage_event ORDER BY received_at, id").fetchall()
    lines = [scrubbed(json.loads(decompress(body)), machine) for (body,) in bodies]
    (SAMPLES / f"{name}-pushed.jsonl").write_text("".join(f"{line}\n" for line in lines))


class _Api:
    def __init__(self, base: str, headers: dict[str, str]) -> None:
        self._base = base
        self._headers = headers

    def get(self, path: str, **query: Any) -> Any:
        headers = self._headers | {"Accept": "application/json"}
        answer = requests.get(f"{self._base}/{path}", query, headers=headers, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def rows(self, path: str, name: str) -> Iterator[Any]:
        offset = 0
        while rows := self.get(path, offset=offset)[name]:
            yield from rows
            offset += len(rows)

    def tries(self, dag: str, run: str, task: str, map_index: int) -> Any:
        mapped = f"/{map_index}" if map_index >= 0 else ""
        return self.get(f"dags/{dag}/dagRuns/{run}/taskInstances/{task}{mapped}/tries")["task_instances"]

    def log(self, task: Any) -> Any:
        names = task["dag_id"], task["dag_run_id"], task["task_id"], task["try_number"]
        path = "dags/{}/dagRuns/{}/taskInstances/{}/logs/{}".format(*names)
        return self.get(path, **({"map_index": task["map_index"]} if task["map_index"] >= 0 else {}))


def log_key(task: Any) -> str:
    names = ("dag_id", "dag_run_id", "task_id", "map_index", "try_number")
    return "/".join(str(task[name]) for name in names)


def _scrubbed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _scrubbed(one) for name, one in value.items() if name not in _UNREAD}
    return [_scrubbed(one) for one in value] if isinstance(value, list) else value


def _write(name: str, content: Any, machine: dict[str, str] | None = None) -> None:
    text = json.dumps(content, indent=None, separators=(",", ":"), sort_keys=True, default=str)
    for ours, theirs in (machine or {}).items():
        text = text.replace(ours, theirs)
    text = re.sub(r"/tmp/tmp\w+", "/opt/airflow/cfg", text)  # noqa: S108
    # A row in each line, for those who compare.
    (SAMPLES / name).write_text(text.replace("},{", "},\n{") + "\n")


if __name__ == "__main__":
    main()
