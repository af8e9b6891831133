"""Artifacts of real commands that are fetched beside what dbt-ol sent: each node is shown once, as dbt recorded it."""

from collections import Counter
from pathlib import Path

import pytest

from pull.sources.dbt.artifacts import Manifest, RunResults, decode
from pull.sources.dbt.events import Writer
from pull.storing import store
from tests.live_server import Sender
from tests.senders.dbt import DbtProject
from tests.senders.dbt_comparison import STATES
from tests.senders.dbt_shown import Shown
from tests.serving import LiveServer


def fetch(sender: Sender, project: DbtProject) -> int:
    """Store what the artifacts of the latest command say. Returns the number of new events."""
    target, problems = project.directory / "target", Counter[str]()
    results = decode((target / "run_results.json").read_bytes(), RunResults, "run_results.json")
    manifest = decode((target / "manifest.json").read_bytes(), Manifest, "manifest.json")
    bodies = list(Writer("shop", "duckdb://shop.duckdb", manifest).command(results, problems))
    assert not problems
    return store(sender.api_key.voucher, bodies).new


@pytest.mark.parametrize("structured", [False, True], ids=["default", "structured"])
def test_each_node_is_shown_once_as_dbt_recorded_it(
    server: LiveServer, sender: Sender, shown: Shown, tmp_path: Path, structured: bool
) -> None:
    endpoint = server.path(sender.connection.id).removeprefix("/")
    project = DbtProject.copy_to(tmp_path / "shop", url=server.url, endpoint=endpoint, key=sender.key)
    results = project.run("build", structured=structured, succeeds=False)
    assert fetch(sender, project) == 2 + 2 * len(results)
    # Beside the command and its nodes structured mode sends their queries.
    runs = [run for run in shown.runs() if ".sql." not in run.job]
    expected = {result.unique_id: STATES[result.status] for result in results} | {"dbt-run-shop": "FAILED"}
    assert sorted((run.job, run.state) for run in runs) == sorted(expected.items())
    assert len(runs) == 38 + 1
    assert fetch(sender, project) == 0
