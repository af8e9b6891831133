"""Writes events of real Airflows into tests/samples/airflow-fidelity*.jsonl: the runs that other samples lack.

Names of this machine, and facets that nothing reads, are removed.

    .venv/bin/python -m tests.senders.airflow_capture
    .venv/bin/python -m tests.senders.airflow_capture 2.9
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import psycopg

from lineage.database.bodies import decompress
from tests.senders.airflow import DAGS, Airflow, running_airflow
from tests.senders.airflow_scenario import play
from tests.senders.airflow_shown import running_observatory
from tests.senders.old_airflow import OldAirflow
from tests.serving import ROOT

_SAMPLES: Final = ROOT / "tests" / "samples"
_OLD: Final = "2.9"
_DAGS: Final = (
    *("mapped", "mapped_over_nothing", "recovers", "killed", "skips_itself", "overdue", "marked_failed"),
    *("task_marked_successful", "cleared_after_a_failure", "cleared_while_it_runs", "cleared_whole", "daily"),
)
_READ: Final = {
    "dag": ("dag_id", "owner", "tags", "timetable_summary"),
    "dagRun": ("clear_number", "logical_date", "run_after", "run_id", "run_type", "start_date", "end_date"),
    "task": ("mapped", "operator_class", "retries", "task_id", "trigger_rule", "upstream_task_ids"),
    "taskInstance": ("map_index", "try_number"),
}
_UNREAD: Final = ("airflow_mappedTask", "processing_engine", "tags", "unknownSourceAttribute", "debug", "sourceCode")
# One stack trace for each kind of failure is enough.
_TRACED: Final = "recovers.flaky"


def main(release: str = "") -> None:
    with tempfile.TemporaryDirectory(prefix="obs-capture-") as name:
        directory = Path(name)
        with running_observatory(directory) as observatory:
            with running_airflow(directory, observatory.transport, OldAirflow if release == _OLD else None) as airflow:
                play(airflow)
                machine = machine_of(airflow)
            with psycopg.connect(observatory.database.url) as connection:
                bodies = connection.execute("SELECT body FROM lineage_event ORDER BY received_at, id").fetchall()
    lines = [scrubbed(event, machine) for (body,) in bodies if _is_wanted(event := json.loads(decompress(body)))]
    name = f"airflow-fidelity{f'-{release}' if release else ''}.jsonl"
    (_SAMPLES / name).write_text("".join(f"{line}\n" for line in lines))


def machine_of(airflow: Airflow) -> dict[str, str]:
    """Return names of this machine → their replacements, the longest first, because the others are parts of it."""
    library = next(airflow.environment.glob("lib/python*/site-packages"))
    return {
        str(library): "/opt/airflow/lib",
        str(airflow.environment): "/opt/airflow",
        sys.base_prefix: "/usr/local",
        str(DAGS): "/opt/airflow/dags",
        str(airflow.home): "/opt/airflow",
        airflow.url: "https://airflow.example.com",
    }


def _is_wanted(event: dict[str, Any]) -> bool:
    return event["job"]["name"].split(".")[0] in _DAGS


def scrubbed(event: dict[str, Any], machine: dict[str, str]) -> str:
    run, job = event["run"]["facets"], event["job"]["facets"]
    for facets in (run, job):
        for name in _UNREAD:
            facets.pop(name, None)
    job.pop("airflow", None)
    for facet in (run.get("airflow", {}), run.get("airflowDagRun", {})):
        for name, kept in _READ.items():
            if name in facet:
                facet[name] = {key: value for key, value in facet[name].items() if key in kept}
    if event["job"]["name"] != _TRACED:
        run.get("errorMessage", {}).pop("stackTrace", None)
    text = json.dumps(event, separators=(",", ":"))
    for ours, theirs in machine.items():
        text = text.replace(ours, theirs)
    return text


if __name__ == "__main__":
    main(*sys.argv[1:])
