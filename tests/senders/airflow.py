"""Airflow as people install it, in its own environment: scheduler, DAG processor, triggerer and API server."""

import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import requests
from psycopg.rows import dict_row

from quickstart.postgres import Cluster
from tests.senders.environments import install
from tests.serving import ROOT

DAGS = Path(__file__).parent / "airflow_dags"
NAMESPACE = "shop"
# Variables of the caller with these prefixes would configure this Airflow wrongly.
_NOT_PASSED_ON = ("AIRFLOW", "DJANGO", "OPENLINEAGE", "PYTHON")
_ANSWER_SECONDS = 30
_STOP_SECONDS = 60
_LOOK_SECONDS = 0.1


@contextmanager
def running_airflow(home: Path, transport: str, release: "type[Airflow] | None" = None) -> Iterator["Airflow"]:
    """Run Airflow with a metadata database in PostgreSQL: with SQLite its components block each other.

    `transport`: the provider's setting of that name. `release`: None: the newest. All events are sent when the block
    ends.
    """
    release = release or Airflow
    # Short: a Unix socket's path has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="obs-airflow-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o711)  # Under root, PostgreSQL runs as another user.
        cluster = Cluster(Path(directory) / "postgres", Path(directory) / "log.txt")
        cluster.start()
        commands = install(release.environment, release.lock, is_old=release.is_old)
        airflow = release(home, commands, _free_port(), cluster, transport)
        with ExitStack() as to_stop:
            to_stop.callback(cluster.stop)
            to_stop.callback(airflow.stop)
            airflow.start()
            yield airflow


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Airflow:
    # Git-ignored, and kept from one test session to the next.
    environment: ClassVar[Path] = ROOT / ".venv-airflow"
    lock: ClassVar[Path] = ROOT / "requirements" / "airflow.lock"
    # In the order in which they are stopped: the scheduler first, because it still sends events then.
    components: ClassVar[dict[str, list[str]]] = {
        "scheduler": ["scheduler", "--skip-serve-logs"],
        "triggerer": ["triggerer", "--skip-serve-logs"],
        "dag-processor": ["dag-processor"],
        "api-server": ["api-server", "--host", "127.0.0.1"],
    }
    is_old: ClassVar[bool] = False
    dags: ClassVar[Path] = DAGS
    api: ClassVar[str] = "api/v2"
    health: ClassVar[str] = "api/v2/monitor/health"

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
        """Start the components. They may not be ready when it returns: see `await_that`."""
        migrate = [str(self.commands / "airflow"), "db", "migrate"]
        done = subprocess.run(
            migrate, check=False, cwd=self.home, env=self._environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        for name, arguments in self.components.items():
            with self._log(name).open("ab") as log:
                command = [str(self.commands / "airflow"), *arguments]
                self.processes[name] = subprocess.Popen(
                    command, cwd=self.home, env=self._environment, stdout=log, stderr=subprocess.STDOUT
                )

    def stop(self) -> None:
        with ExitStack() as to_stop:
            for name in reversed(self.components):
                if process := self.processes.pop(name, None):
                    to_stop.callback(_stop, process)

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Query the metadata database."""
        with psycopg.connect(self.cluster.url, row_factory=dict_row) as connection:
            return connection.execute(query, values).fetchall()

    def call(self, method: str, path: str, **body: Any) -> Any:
        """Call Airflow's own API. `path`: after its version."""
        url = f"{self.url}/{self.api}/{path}"
        answer = requests.request(method, url, json=body, headers=self._headers(), timeout=_ANSWER_SECONDS)
        assert answer.ok, answer.text
        return answer.json()

    def trigger(self, dag_id: str) -> None:
        self.call("POST", f"dags/{dag_id}/dagRuns", logical_date=None)

    def mark_successful(self, dag_id: str, run_id: str, task_id: str) -> None:
        self.call("PATCH", f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}", new_state="success")

    def run_first_days(self, dag_id: str) -> int:
        """Start the runs of the first days of a DAG with a schedule. Returns their number."""
        days = {"from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-03T00:00:00Z"}
        self.call("POST", "backfills", dag_id=dag_id, max_active_runs=2, **days)
        return 3

    def _headers(self) -> dict[str, str]:
        token = requests.get(f"{self.url}/auth/token", timeout=_ANSWER_SECONDS).json()["access_token"]
        return {"Authorization": f"Bearer {token}"}

    def is_up(self) -> bool:
        """Tell whether the API answers. The other components show their state in the database."""
        try:
            return requests.get(f"{self.url}/{self.health}", timeout=_ANSWER_SECONDS).ok
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

    def _settings(self) -> dict[str, str]:
        """Return the settings that depend on the release."""
        return {
            "API__BASE_URL": self.url,
            "API__PORT": str(self.port),
            "API__SECRET_KEY": self.secret,
            "API_AUTH__JWT_SECRET": self.secret,
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            # Read DAGs only once, to leave the CPU to the tasks.
            "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
            # A worker may miss the end of its task, and check again after 5 seconds (the minimum of this setting and
            # another). Airflow would then record the end of a failed task too late. With 0 it checks at once.
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "0",
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3600",
        }

    @property
    def _environment(self) -> dict[str, str]:
        settings = {
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "CORE__DAGS_FOLDER": str(self.dags),
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__LOAD_EXAMPLES": "False",
            # With more tasks at once they would wait for CPU, which Airflow counts as a task's time.
            "CORE__PARALLELISM": "2",
            "DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://postgres@/postgres?host={self.cluster.directory}",
            "OPENLINEAGE__NAMESPACE": NAMESPACE,
            "OPENLINEAGE__TRANSPORT": self.transport,
            "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
            "USAGE_DATA_COLLECTION__ENABLED": "False",
            **self._settings(),
        }
        outside = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)}
        return {
            **outside,
            "AIRFLOW_HOME": str(self.home),
            "PATH": f"{self.commands}{os.pathsep}{os.environ['PATH']}",
            **{f"AIRFLOW__{name}": value for name, value in settings.items()},
        }
