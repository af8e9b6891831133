"""Artifacts of real commands of dbt 1.11, written by tests/senders/dbt_artifacts_capture.py: a directory for each
command, and a manifest and a catalog for all. The events that dbt-ol sent of two of the commands are beside them."""

import json
import os
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pull.sources.dbt.artifacts import CATALOG, MANIFEST, RUN_RESULTS, Catalog, Manifest, RunResults, decode
from pull.sources.dbt.events import Writer
from tests.conftest import SAMPLES

HERE: Final = SAMPLES / "pull" / "dbt"
# After all that they say.
NOW: Final = datetime(2026, 12, 1, 16, tzinfo=UTC)
NAMESPACE: Final = "shop"
TABLES: Final = "duckdb://shop.duckdb"
COMMANDS: Final = ("seed", "run", "snapshot", "test", "build", "build-default")
# dbt's word → the shown state.
STATES: Final = {
    **dict.fromkeys(("success", "pass", "warn", "no-op"), "COMPLETED"),
    **dict.fromkeys(("fail", "error"), "FAILED"),
    "skipped": "SKIPPED",
}


def results_of(command: str) -> RunResults:
    return decode((HERE / command / RUN_RESULTS).read_bytes(), RunResults, RUN_RESULTS)


def manifest() -> Manifest:
    return decode((HERE / MANIFEST).read_bytes(), Manifest, MANIFEST)


def catalog() -> Catalog:
    return decode((HERE / CATALOG).read_bytes(), Catalog, CATALOG)


def bodies_of(command: str) -> list[bytes]:
    problems: Counter[str] = Counter()
    bodies = list(Writer(NAMESPACE, TABLES, manifest(), catalog()).command(results_of(command), problems))
    assert not problems
    return bodies


def pushed(command: str) -> list[bytes]:
    return (HERE / f"{command}-pushed.jsonl").read_bytes().splitlines()


def copied_to(directory: Path) -> Path:
    """Copy of the artifacts of all commands."""
    shutil.copytree(HERE, directory, ignore=shutil.ignore_patterns("*.jsonl"))
    for path in directory.rglob("*.json"):
        # Not before dbt wrote them, whatever day it is.
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    return directory


def as_if_written(path: Path, at: datetime) -> bytes:
    """The content of a run_results.json, as if the command had ended then."""
    results = json.loads(path.read_bytes())
    results["metadata"]["generated_at"] = at.isoformat()
    return json.dumps(results).encode()
