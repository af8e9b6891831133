"""Airflow 2.9 with the OpenLineage provider 1.11, as people ran it in 2024."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.senders.airflow import Airflow
from tests.serving import ROOT


@dataclass
class OldAirflow(Airflow):
    environment: ClassVar[Path] = ROOT / ".venv-airflow-2.9"
    lock: ClassVar[Path] = ROOT / "requirements" / "airflow-2.9.lock"
    # The scheduler also reads the DAGs.
    components: ClassVar[dict[str, list[str]]] = {
        "scheduler": ["scheduler", "--skip-serve-logs"],
        "triggerer": ["triggerer", "--skip-serve-logs"],
        "webserver": ["webserver", "--hostname", "127.0.0.1", "--workers", "1"],
    }
    is_old: ClassVar[bool] = True
    api: ClassVar[str] = "api/v1"
    health: ClassVar[str] = "api/v1/health"
    # Role of who sends no password.
    public_role: ClassVar[str] = "Admin"

    def start(self) -> None:
        (self.home / "webserver_config.py").write_text(f'AUTH_ROLE_PUBLIC = "{self.public_role}"\n')
        super().start()

    def trigger(self, dag_id: str) -> None:
        self.call("POST", f"dags/{dag_id}/dagRuns")

    def mark_successful(self, dag_id: str, run_id: str, task_id: str) -> None:
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
        self.call("PATCH", path, new_state="success", dry_run=False)

    def run_first_days(self, dag_id: str) -> int:
        """Unpause the DAG: Airflow 2 runs all days of its schedule, the last one included."""
        self.call("PATCH", f"dags/{dag_id}", is_paused=False)
        return 4

    def _headers(self) -> dict[str, str]:
        return {}

    def _settings(self) -> dict[str, str]:
        return {
            "API__AUTH_BACKENDS": "airflow.api.auth.backend.default",
            # The pace at which a task notices that its state was set.
            "SCHEDULER__LOCAL_TASK_JOB_HEARTBEAT_SEC": "1",
            # Read DAGs only once, to leave the CPU to the tasks.
            "SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "3600",
            "WEBSERVER__BASE_URL": self.url,
            "WEBSERVER__SECRET_KEY": self.secret,
            "WEBSERVER__WEB_SERVER_PORT": str(self.port),
        }
