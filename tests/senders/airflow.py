"""Airflow as people install it, in an environment of its own: scheduler, DAG processor, triggerer and API server."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests
from psycopg.rows import dict_row

from quickstart.postgres import Cluster
from tests.serving import ROOT

DAGS = Path(__file__).parent / "airflow_dags"
NAMESPACE = "shop"
# Git-ignored, and kept from one test session to the next.
ENVIRONMENT = ROOT / ".venv-airflow"
LOCK = ROOT / "requirements" / "airflow.lock"
# By the order in which they are stopped: the scheduler first, which sends what it still has.
_COMPONENTS = {
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "api-server": ["api-server", "--host", "127.0.0.1"],
}
# Of others these would configure the wrong Airflow.
_NOT_PASSED_ON = ("AIRFLOW", "DJANGO", "OPENLINEAGE", "PYTHON")
_ANSWER_SECONDS = 30
_STOP_SECONDS = 60
_LOOK_SECONDS = 0.1


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


@contextmanager
def running_airflow(home: Path, transport: str) -> Iterator["Airflow"]:
    """With a metadata database of its own, in PostgreSQL: in SQLite its components lock each other out.

    `transport` is the provider's setting of that name. When the block ends, all events were sent.
    """
    # Short: a Unix socket's path has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="obs-airflow-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o711)  # As root, PostgreSQL runs as another user.
        cluster = Cluster(Path(directory) / "postgres", Path(directory) / "log.txt")
        cluster.start()
        airflow = Airflow(home, install(), _free_port(), cluster, transport)
        try:
            airflow.start()
            yield airflow
        finally:
            airflow.stop()
            cluster.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Airflow:
    home: Path
    commands: Path
    port: int
    cluster: Cluster
    transport: str = field(repr=False)
    secret: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns before its components are ready: see `await_that`."""
        migrate = [str(self.commands / "airflow"), "db", "migrate"]
        done = subprocess.run(
            migrate, check=False, cwd=self.home, env=self._environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        for name, arguments in _COMPONENTS.items():
            with self._log(name).open("ab") as log:
                command = [str(self.commands / "airflow"), *arguments]
                self.processes[name] = subprocess.Popen(
                    command, cwd=self.home, env=self._environment, stdout=log, stderr=subprocess.STDOUT
                )

    def stop(self) -> None:
        for name in _COMPONENTS:
            process = self.processes.pop(name, None)
            if process is None:
                continue
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Of the metadata database."""
        with psycopg.connect(self.cluster.url, row_factory=dict_row) as connection:
            return connection.execute(query, values).fetchall()

    def call(self, method: str, path: str, **body: Any) -> Any:
        """Airflow's own API. `path` is behind /api/v2/."""
        token = requests.get(f"{self.url}/auth/token", timeout=_ANSWER_SECONDS).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self.url}/api/v2/{path}"
        answer = requests.request(method, url, json=body, headers=headers, timeout=_ANSWER_SECONDS)
        assert answer.ok, answer.text
        return answer.json()

    def is_up(self) -> bool:
        """Whether its API answers; the other components show by what they write into the database."""
        try:
            return requests.get(f"{self.url}/api/v2/monitor/health", timeout=_ANSWER_SECONDS).ok
        except requests.ConnectionError:
            return False

    def await_that(self, condition: Callable[[], object], what: str, *, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            for name, process in self.processes.items():
                assert process.poll() is None, f"{name} ended:\n{self._log(name).read_text()[-5000:]}"
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            time.sleep(_LOOK_SECONDS)

    def _log(self, component: str) -> Path:
        return self.home / f"{component}.log"

    @property
    def _environment(self) -> dict[str, str]:
        settings = {
            "API__BASE_URL": self.url,
            "API__PORT": str(self.port),
            "API__SECRET_KEY": self.secret,
            "API_AUTH__JWT_SECRET": self.secret,
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "CORE__DAGS_FOLDER": str(DAGS),
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__LOAD_EXAMPLES": "False",
            # More at once would wait for one another's CPU, and Airflow counts that among a task's time.
            "CORE__PARALLELISM": "2",
            "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            # Read once: to read them again takes CPU from the tasks.
            "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
            "DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://postgres@/postgres?host={self.cluster.directory}",
            "OPENLINEAGE__NAMESPACE": NAMESPACE,
            "OPENLINEAGE__TRANSPORT": self.transport,
            "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
            # A worker may miss that its task ended, and looks again after 5 seconds (the least of this setting and
            # another): so much too late Airflow then records the end of a task that failed. Here it looks at once.
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "0",
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3600",
            "USAGE_DATA_COLLECTION__ENABLED": "False",
        }
        outside = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)}
        return {
            **outside,
            "AIRFLOW_HOME": str(self.home),
            "PATH": f"{self.commands}{os.pathsep}{os.environ['PATH']}",
            **{f"AIRFLOW__{name}": value for name, value in settings.items()},
        }
