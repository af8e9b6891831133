"""dbt-ol as people install it, in an environment of its own: its dependencies are not the product's."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.serving import ROOT

PROJECT = Path(__file__).parent / "dbt_project"
# Git-ignored, and kept from one test session to the next.
ENVIRONMENT = ROOT / ".venv-clients"
LOCK = ROOT / "requirements" / "clients.lock"
_COMMAND_SECONDS = 120


def install() -> Path:
    """The environment's directory of commands; made where the lock is newer than it."""
    stamp = ENVIRONMENT / ".installed"
    with LOCK.open() as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.stat().st_mtime < LOCK.stat().st_mtime:
            if not (ENVIRONMENT / "bin" / "python").exists():
                # By this very Python, which the lock is known to suit.
                subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
            install = [ROOT / "requirements" / "install", ENVIRONMENT, LOCK.relative_to(ROOT)]
            subprocess.run(install, check=True, cwd=ROOT)
            stamp.touch()
    return ENVIRONMENT / "bin"


@dataclass(frozen=True)
class Result:
    """What dbt's own record, `run_results.json`, says of one node of a command."""

    unique_id: str
    # Of a node: model, test, seed or snapshot.
    kind: str
    name: str
    # success, pass, warn, fail, error or skipped
    status: str
    # Of those that dbt began with.
    started_at: datetime | None
    completed_at: datetime | None
    # A use of a generic test, such as `unique`, rather than a query of its own.
    is_generic_test: bool


@dataclass(frozen=True)
class DbtProject:
    """A copy of the project, and where its events go."""

    directory: Path
    commands: Path
    url: str
    endpoint: str
    key: str = field(repr=False)

    @classmethod
    def copy_to(cls, directory: Path, *, url: str, endpoint: str, key: str) -> "DbtProject":
        shutil.copytree(PROJECT, directory)
        return cls(directory, install(), url, endpoint, key)

    def run(self, *arguments: str, structured: bool = False, succeeds: bool = True) -> list[Result]:
        """Runs a command by dbt-ol, configured as the set-up guide says."""
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

    def invocation_id(self) -> str:
        """What dbt itself calls the latest command."""
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
            "DBT_PROFILES_DIR": str(self.directory),
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
    )
