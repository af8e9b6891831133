"""Flink as people install it, in its own environment: a session cluster, with OpenLineage's listener."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.senders.environments import install
from tests.serving import ROOT
from tests.waiting import wait_until
from web.guides.runners import FLINK
from web.guides.texts.java import flink_config
from web.guides.values import SenderValues

# Git-ignored, and kept from one test session to the next: 330 MB.
ENVIRONMENT = ROOT / ".venv-flink"
LOCK = ROOT / "requirements" / "flink.lock"
PROGRAM = Path(__file__).parent / "FlinkJob.java"
_REPOSITORY = os.environ.get("MAVEN_REPOSITORY", "https://repo1.maven.org/maven2")
_LISTENER = f"io/openlineage/openlineage-flink/{FLINK.version}/openlineage-flink-{FLINK.version}.jar"
_LISTENER_SHA256 = "bd4daf546c3c6433002fd31e854f67d7b432a2e561fba0352b1d6c627e70f248"
_DOWNLOAD_SECONDS = 60
_START_SECONDS = 120
_JOB_SECONDS = 120
# As Flink's own scripts open them.
_OPENED = ("lang", "net", "nio", "text", "time", "util", "util.concurrent", "util.concurrent.atomic")
# Flink's scripts compute these from the whole size of a process.
_MEMORY = {
    "jobmanager.memory.process.size": "1g",
    "taskmanager.cpu.cores": 1,
    "taskmanager.memory.framework.heap.size": "128m",
    "taskmanager.memory.framework.off-heap.size": "128m",
    "taskmanager.memory.task.heap.size": "128m",
    "taskmanager.memory.task.off-heap.size": "0m",
    "taskmanager.memory.managed.size": "128m",
    "taskmanager.memory.network.min": "32m",
    "taskmanager.memory.network.max": "32m",
    "taskmanager.memory.jvm-metaspace.size": "256m",
    "taskmanager.memory.jvm-overhead.min": "64m",
    "taskmanager.memory.jvm-overhead.max": "64m",
}
_PROCESSES = {
    "jobmanager": "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
    "taskmanager": "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
}


def listener() -> Path:
    """Return the listener's jar. Downloads it if the environment has none."""
    jar = ENVIRONMENT / Path(_LISTENER).name
    if not jar.exists():
        answer = requests.get(f"{_REPOSITORY}/{_LISTENER}", timeout=_DOWNLOAD_SECONDS)
        answer.raise_for_status()
        assert hashlib.sha256(answer.content).hexdigest() == _LISTENER_SHA256, f"not the listener: {answer.url}"
        jar.write_bytes(answer.content)
    return jar


@dataclass(frozen=True)
class Flink:
    directory: Path
    url: str

    def run(self, name: str, statements: str) -> int:
        """Run a job, and return the exit code of the program that waits for it."""
        script = self.directory / f"{name}.sql"
        script.write_text(statements)
        with (self.directory / f"{name}.txt").open("wb") as log:
            command = [*_java(), PROGRAM, name, script]
            return subprocess.run(
                command, env=_environment(self.directory), stdout=log, stderr=log, timeout=_JOB_SECONDS, check=False
            ).returncode

    def jobs(self) -> list[dict[str, Any]]:
        """Return Flink's own record: `name`, `state`, `start-time` and `end-time` in milliseconds."""
        found: list[dict[str, Any]] = requests.get(f"{self.url}/jobs/overview", timeout=10).json()["jobs"]
        return found

    def has_slots(self) -> bool:
        try:
            return bool(requests.get(f"{self.url}/overview", timeout=10).json()["slots-available"])
        except requests.ConnectionError:
            return False


@contextmanager
def running_flink(directory: Path, *, ports: tuple[int, int], values: SenderValues) -> Iterator[Flink]:
    """Run a cluster, configured by the text of the guide. `ports`: of its REST API, and of its own messages."""
    flink = Flink(directory, f"http://127.0.0.1:{ports[0]}")
    settings = {
        "execution.target": "remote",
        "execution.runtime-mode": "batch",
        "rest.address": "127.0.0.1",
        "rest.port": ports[0],
        "jobmanager.rpc.address": "127.0.0.1",
        "jobmanager.rpc.port": ports[1],
        "taskmanager.host": "127.0.0.1",
        "parallelism.default": 1,
        "restart-strategy.type": "none",
        **_MEMORY,
    }
    text = "".join(f"{name}: {value}\n" for name, value in settings.items()) + flink_config(values).text
    (directory / "config.yaml").write_text(text)
    with ExitStack() as to_stop:
        for name, main in _PROCESSES.items():
            log = to_stop.enter_context((directory / f"{name}.txt").open("wb"))
            command = [*_java(), main, "--configDir", directory]
            process = subprocess.Popen(command, env=_environment(directory), stdout=log, stderr=log)
            to_stop.callback(process.wait)
            to_stop.callback(process.kill)
        wait_until(flink.has_slots, "Flink's workers", seconds=_START_SECONDS)
        yield flink


def _java() -> list[str | Path]:
    install(ENVIRONMENT, LOCK)
    (library,) = ENVIRONMENT.glob("lib/python*/site-packages/pyflink/lib")
    opened = [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in _OPENED]
    return ["java", *opened, "-Xmx400m", "-XX:TieredStopAtLevel=1", "-cp", f"{library}/*{os.pathsep}{listener()}"]


def _environment(directory: Path) -> dict[str, str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("FLINK", "OPENLINEAGE"))}
    return outside | {"FLINK_CONF_DIR": str(directory)}
