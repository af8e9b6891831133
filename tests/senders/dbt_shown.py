"""Runs and tests of a connection for dbt-ol, as Observatory's read API shows them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

import requests

from tests.live_server import wait_until_settled

# The API's word for the result of a test → dbt's word.
_STATUSES = {"passed": "pass", "failed": "fail", "errored": "error", "warned": "warn", "skipped": "skipped"}


@dataclass(frozen=True)
class ShownRun:
    id: UUID
    job: str
    state: str
    started_at: datetime
    # None: it did not end.
    ended_at: datetime | None
    parent_id: str
    orchestrator_run_id: str | None

    @classmethod
    def of(cls, run: dict[str, Any]) -> "ShownRun":
        return cls(
            UUID(run["id"]),
            run["job"]["name"],
            run["state"],
            datetime.fromisoformat(run["started_at"]),
            datetime.fromisoformat(run["ended_at"]) if run["ended_at"] else None,
            run["parent"]["run_id"] if run["parent"] else "",
            run["orchestrator_run_id"],
        )


@dataclass(frozen=True)
class Shown:
    """Reader with an API token."""

    url: str
    connection_id: UUID
    token: str = field(repr=False)

    def jobs(self) -> dict[str, dict[str, Any]]:
        return {job["name"]: job for job in self._pages("jobs")}

    def runs(self) -> list[ShownRun]:
        """Return the runs, the latest first, after all of them are settled."""
        wait_until_settled()
        return [ShownRun.of(run) for run in self._pages("runs")]

    def command(self) -> tuple[ShownRun, dict[str, ShownRun]]:
        """Return the latest command, and its nodes' runs by job."""
        runs = self.runs()
        command = next(run for run in runs if not run.parent_id)
        nodes = [run for run in runs if run.parent_id == str(command.id)]
        by_job = {run.job: run for run in nodes}
        assert len(by_job) == len(nodes), "a node is shown twice"
        return command, by_job

    def tests_of(self, run: ShownRun) -> dict[str, str]:
        """Return the name of each test in a run → its result, in dbt's word if it has one."""
        tests = self._get(f"runs/{run.id}")["tests"]
        # Old versions send no names, and the test's name as the assertion.
        return {test["name"] or test["assertion"]: _STATUSES.get(test["state"], test["state"]) for test in tests}

    def _pages(self, what: str) -> Iterator[dict[str, Any]]:
        path: str | None = f"connections/{self.connection_id}/{what}"
        while path:
            page = self._get(path)
            yield from page["results"]
            path = page["next"]

    def _get(self, path: str) -> Any:
        """Read a path below the API's own, or a whole URL."""
        url = urljoin(f"{self.url}/api/v1/", path)
        answer = requests.get(url, headers={"Authorization": f"Bearer {self.token}"}, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()
