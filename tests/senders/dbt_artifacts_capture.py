"""Writes what a real dbt leaves of its commands into tests/samples/pull/dbt: a run_results.json of each, the manifest,
the catalog, and for two of them the events that dbt-ol sent. Without the parts that nothing reads.

    .venv/bin/python -m tests.senders.dbt_artifacts_capture
"""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.senders.dbt import NEWEST, PROJECT
from tests.serving import ROOT

SAMPLES: Final = ROOT / "tests" / "samples" / "pull" / "dbt"
# Added to the project of tests/senders: what dbt-ol's own tests do without.
_MORE: Final = {
    "models/more.yml": """
version: 2
groups:
  - name: finance
    owner: {name: Finance, email: finance@example.com}
exposures:
  - name: weekly_report
    type: dashboard
    url: https://bi.example.com/weekly
    owner: {name: Ada, email: ada@example.com}
    depends_on: [ref('customers')]
unit_tests:
  - name: sums_orders
    model: customers
    given:
      - input: ref('orders')
        rows: [{order_id: 1, customer_id: 5, amount: 3}, {order_id: 2, customer_id: 5, amount: 4}]
    expect:
      rows: [{customer_id: 5, total: 7}]
""",
}
_ORDERS: Final = """
    description: An order each.
    config: {group: finance, tags: [daily], meta: {owner: ada@example.com}}
"""
_HOOK: Final = '\non-run-end: ["select 1"]\n'
_UNREAD: Final = {
    "compiled_code",
    "raw_code",
    "batch_results",
    "thread_id",
    "relation_name",
    "checksum",
    "docs",
    "macros",
    "unrendered_config",
    "_schemaURL",
    "schemaURL",
    "_producer",
    "params",
    "dataSource",
}
_NODE: Final = (
    *("unique_id", "name", "resource_type", "package_name", "database", "schema", "alias", "original_file_path"),
    *("description", "columns", "tags", "meta", "group", "config", "depends_on", "attached_node", "test_metadata"),
    *("access", "fqn", "relation_name", "model"),
)
_CONFIG: Final = (
    *("enabled", "materialized", "access", "owner", "group", "severity", "warn_if", "error_if", "meta", "tags"),
    "store_failures",
)
_OF_COLUMN: Final = ("name", "data_type", "description")
_RUN_FACETS: Final = ("dbt_run", "parent", "errorMessage", "test")
_DATASET_FACETS: Final = ("dbt_model", "dataQualityAssertions")


def main() -> None:
    shutil.rmtree(SAMPLES, ignore_errors=True)
    with tempfile.TemporaryDirectory() as name:
        project = Path(name) / "shop"
        _make_project(project)
        for command in ("seed", "run", "snapshot", "test"):
            _run(project, command, "dbt", command)
        _run(project, "build", "dbt-ol", "--consume-structured-logs", "build")
        _run(project, "build-default", "dbt-ol", "build")
        _write(SAMPLES / "manifest.json", _manifest(_read(project, "manifest")))
        _run(project, "docs", "dbt", "docs", "generate")
        _write(SAMPLES / "catalog.json", _read(project, "catalog"))


def _make_project(project: Path) -> None:
    shutil.copytree(PROJECT, project)
    for path, text in _MORE.items():
        (project / path).write_text(text)
    schema = project / "models" / "schema.yml"
    schema.write_text(schema.read_text().replace("- name: orders\n", f"- name: orders{_ORDERS}", 1))
    with (project / "dbt_project.yml").open("a") as file:
        file.write(_HOOK)


def _run(project: Path, sample: str, *command: str) -> None:
    commands, events = NEWEST.install(), project / f"{sample}.jsonl"
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("OPENLINEAGE", "DBT_"))}
    transport = {"type": "file", "log_file_path": str(events), "append": "true"}
    settings = {f"OPENLINEAGE__TRANSPORT__{name.upper()}": value for name, value in transport.items()}
    path = f"{commands}{os.pathsep}{os.environ['PATH']}"
    env = outside | settings | {"PATH": path, "DBT_PROFILES_DIR": ".", "OPENLINEAGE_NAMESPACE": "shop"}
    subprocess.run([commands / command[0], *command[1:]], cwd=project, env=env, check=False, capture_output=True)
    results = _read(project, "run_results")
    results["args"] = {"which": results["args"]["which"], "target": "dev"}
    if sample == "docs":
        results["results"] = results["results"][:5]
    _write(SAMPLES / sample / "run_results.json", results)
    if events.exists():
        lines = [json.dumps(event, separators=(",", ":")) for event in _events(events)]
        (SAMPLES / f"{sample}-pushed.jsonl").write_text("\n".join(lines) + "\n")


def _read(project: Path, artifact: str) -> Any:
    return json.loads((project / "target" / f"{artifact}.json").read_text())


def _write(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_without_unread(document), separators=(",", ":")) + "\n")


def _without_unread(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_unread(one) for one in part]
    if isinstance(part, dict):
        return {name: _without_unread(value) for name, value in part.items() if name not in _UNREAD}
    return part


def _only(part: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: part[name] for name in names if name in part}


def _manifest(manifest: dict[str, Any]) -> dict[str, Any]:
    kept = ("metadata", "sources", "exposures", "groups")
    nodes = {kind: {key: _node(node) for key, node in manifest[kind].items()} for kind in ("nodes", "unit_tests")}
    return _only(manifest, kept) | nodes


def _node(node: dict[str, Any]) -> dict[str, Any]:
    columns = {name: _only(column, _OF_COLUMN) for name, column in node.get("columns", {}).items()}
    return _only(node, _NODE) | {"config": _only(node["config"], _CONFIG), "columns": columns}


def _events(path: Path) -> list[dict[str, Any]]:
    """The events of the command and of its nodes, without those of their queries."""
    events = []
    for line in path.read_text().splitlines():
        event = json.loads(line)
        if ".sql." in event["job"]["name"]:
            continue
        event["run"]["facets"] = _only(event["run"]["facets"], _RUN_FACETS)
        event["job"]["facets"].pop("sql", None)
        for test in event["run"]["facets"].get("test", {}).get("tests", ()):
            test.pop("content", None)
        for dataset in (*event["inputs"], *event["outputs"]):
            dataset["facets"] = _only(dataset["facets"], _DATASET_FACETS)
            dataset.pop("outputFacets", None)
        events.append(_without_unread(event))
    return events


if __name__ == "__main__":
    main()
