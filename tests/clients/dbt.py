"""dbt-ol as people install it, in an environment of its own: its dependencies are not the product's."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
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
    if not stamp.exists() or stamp.stat().st_mtime < LOCK.stat().st_mtime:
        if not (ENVIRONMENT / "bin" / "python").exists():
            # By this very Python, which the lock is known to suit.
            subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        subprocess.run([ROOT / "requirements" / "install", ENVIRONMENT, LOCK.relative_to(ROOT)], check=True, cwd=ROOT)
        stamp.touch()
    return ENVIRONMENT / "bin"


@dataclass(frozen=True)
class Node:
    """One node of a command, as dbt itself reports it."""

    kind: str
    name: str
    status: str
    # Of a test, the model that it tests.
    model: str


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

    def run(self, *arguments: str, succeeds: bool = True) -> list[Node]:
        """Runs a command by dbt-ol, configured as the set-up guide says."""
        done = subprocess.run(
            [self.commands / "dbt-ol", *arguments],
            check=False,
            cwd=self.directory,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
        )
        assert (done.returncode == 0) is succeeds, done.stdout + done.stderr
        return self._results()

    def _results(self) -> list[Node]:
        target = self.directory / "target"
        manifest = json.loads((target / "manifest.json").read_text())["nodes"]
        nodes = []
        for result in json.loads((target / "run_results.json").read_text())["results"]:
            node = manifest[result["unique_id"]]
            tested = manifest.get(node.get("attached_node"), {}).get("name", "")
            nodes.append(Node(node["resource_type"], node["name"], result["status"], tested))
        return nodes

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
