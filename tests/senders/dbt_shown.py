"""What Observatory's read API shows of a connection that dbt-ol sends to."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

import requests

from tests.live_server import wait_until_settled

# The API's words for the result of a test, in dbt's.
_STATUSES = {"passed": "pass", "failed": "fail", "errored": "error", "warned": "warn", "skipped": "skipped"}


@dataclass(frozen=True)
class ShownRun:
    id: UUID
    job: str
    state: str
    started_at: datetime
    ended_at: datetime
    parent_id: str
    orchestrator_run_id: str | None

    @classmethod
    def of(cls, run: dict[str, Any]) -> "ShownRun":
        return cls(
            UUID(run["id"]),
            run["job"]["name"],
            run["state"],
            datetime.fromisoformat(run["started_at"]),
            datetime.fromisoformat(run["ended_at"]),
            run["parent"]["run_id"] if run["parent"] else "",
            run["orchestrator_run_id"],
        )


@dataclass(frozen=True)
class Shown:
    """Reads as somebody with a token."""

    url: str
    connection_id: UUID
    token: str = field(repr=False)

    def jobs(self) -> dict[str, dict[str, Any]]:
        return {job["name"]: job for job in self._pages("jobs")}

    def runs(self) -> list[ShownRun]:
        """The latest first, as soon as all of them are settled."""
        wait_until_settled()
        return [ShownRun.of(run) for run in self._pages("runs")]

    def command(self) -> tuple[ShownRun, dict[str, ShownRun]]:
        """The latest command, and its nodes' runs by job."""
        runs = self.runs()
        command = next(run for run in runs if not run.parent_id)
        nodes = [run for run in runs if run.parent_id == str(command.id)]
        by_job = {run.job: run for run in nodes}
        assert len(by_job) == len(nodes), "a node is shown twice"
        return command, by_job

    def tests_of(self, run: ShownRun) -> dict[str, str]:
        """Name of each test that a run tells of → its result, in dbt's word where there is one."""
        return {
            test["name"]: _STATUSES.get(test["state"], test["state"]) for test in self._get(f"runs/{run.id}")["tests"]
        }

    def _pages(self, what: str) -> Iterator[dict[str, Any]]:
        path: str | None = f"connections/{self.connection_id}/{what}"
        while path:
            page = self._get(path)
            yield from page["results"]
            path = page["next"]

    def _get(self, path: str) -> Any:
        """`path`: below the API's own, or a whole URL."""
        url = urljoin(f"{self.url}/api/v1/", path)
        answer = requests.get(url, headers={"Authorization": f"Bearer {self.token}"}, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()
