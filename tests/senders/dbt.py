"""dbt-ol as people install it, each version in its own environment, because its dependencies are not the product's."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.senders.environments import install
from tests.serving import ROOT

PROJECT = Path(__file__).parent / "dbt_project"
_COMMAND_SECONDS = 120


@dataclass(frozen=True)
class Version:
    """Version of dbt-ol, and what its default mode sends."""

    number: str
    # Git-ignored, and kept from one test session to the next.
    environment: Path
    lock: Path
    # The command's invocation, and each node's id. Without ids a node's job is called as its table.
    has_ids: bool = True
    # Severity of each test.
    has_severity: bool = True
    # Number of rows that failed a test. Without it a test that did not pass failed, warned, could not run or was
    # skipped.
    has_counts: bool = True

    def install(self) -> Path:
        """Return the environment's directory of commands. Installs it if needed."""
        return install(self.environment, self.lock, is_old=self != NEWEST)

    def __str__(self) -> str:
        return self.number


NEWEST = Version("1.54", ROOT / ".venv-clients", ROOT / "requirements" / "clients.lock")
DBT_OL_1_43 = Version("1.43", ROOT / ".venv-dbt-1.43", ROOT / "requirements" / "dbt-1.43.lock", has_counts=False)
DBT_OL_1_30 = Version(
    *("1.30", ROOT / ".venv-dbt-1.30", ROOT / "requirements" / "dbt-1.30.lock"),
    has_ids=False,
    has_severity=False,
    has_counts=False,
)


@dataclass(frozen=True)
class Result:
    """Result of a command's node in dbt's own record, `run_results.json`."""

    unique_id: str
    # model, test, seed or snapshot
    kind: str
    name: str
    # success, pass, warn, fail, error or skipped
    status: str
    # None: dbt did not start the node.
    started_at: datetime | None
    completed_at: datetime | None
    # True: a use of a generic test, such as `unique`. False: a query of its own.
    is_generic_test: bool
    # error or warn: what it is if it does not pass. Only of tests.
    severity: str
    # Name with database, schema and project.
    long_name: str


@dataclass(frozen=True)
class DbtProject:
    """Copy of the project, with the destination of its events."""

    directory: Path
    commands: Path
    url: str
    endpoint: str
    key: str = field(repr=False)

    @classmethod
    def copy_to(cls, directory: Path, *, url: str, endpoint: str, key: str, version: Version = NEWEST) -> "DbtProject":
        shutil.copytree(PROJECT, directory)
        return cls(directory, version.install(), url, endpoint, key)

    def without_queries(self) -> "DbtProject":
        """Delete the tests that are queries of their own."""
        shutil.rmtree(self.directory / "tests")
        return self

    def run(self, *arguments: str, structured: bool = False, succeeds: bool = True) -> list[Result]:
        """Run a command with dbt-ol, configured as the set-up guide says."""
        mode = ["--consume-structured-logs"] if structured else []
        done = subprocess.run(
            [self.commands / "dbt-ol", *mode, *arguments],
            check=False,
            cwd=self.directory,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
        )
        assert (done.returncode == 0) is succeeds, done.stdout + done.stderr
        return self._results()

    @property
    def parsed(self) -> Path:
        """The file in which dbt keeps the parsed project for its next command."""
        return self.directory / "target" / "partial_parse.msgpack"

    def invocation_id(self) -> str:
        """dbt's own id of the latest command."""
        said: str = self._record()["metadata"]["invocation_id"]
        return said

    def _record(self) -> Any:
        return json.loads((self.directory / "target" / "run_results.json").read_text())

    def _results(self) -> list[Result]:
        manifest = json.loads((self.directory / "target" / "manifest.json").read_text())["nodes"]
        results = self._record()["results"]
        return [_result(result, manifest[result["unique_id"]]) for result in results]

    @property
    def _environment(self) -> dict[str, Any]:
        outside = {name: value for name, value in os.environ.items() if not name.startswith(("OPENLINEAGE", "DBT_"))}
        return outside | {
            "PATH": f"{self.commands}{os.pathsep}{os.environ['PATH']}",
            # Relative: dbt parses the project again where the setting differs from that of the last command.
            "DBT_PROFILES_DIR": ".",
            "OPENLINEAGE_URL": self.url,
            "OPENLINEAGE_ENDPOINT": self.endpoint,
            "OPENLINEAGE_API_KEY": self.key,
            "OPENLINEAGE_NAMESPACE": "shop",
        }


def _result(result: dict[str, Any], node: dict[str, Any]) -> Result:
    times = [(timing["started_at"], timing["completed_at"]) for timing in result["timing"]]
    return Result(
        result["unique_id"],
        node["resource_type"],
        node["name"],
        result["status"],
        min((datetime.fromisoformat(start) for start, _ in times), default=None),
        max((datetime.fromisoformat(end) for _, end in times), default=None),
        is_generic_test=bool(node.get("test_metadata")),
        severity=node["config"].get("severity", "").lower(),
        long_name=".".join(node[part] for part in ("database", "schema", "package_name", "name")),
    )
