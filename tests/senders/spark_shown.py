"""Runs of a connection for Spark, as Observatory's read API shows them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import requests

from lineage.runs.error_headline import error_headline
from tests.live_server import wait_until_settled

_ANSWER_SECONDS = 10


@dataclass(frozen=True)
class ShownRun:
    id: str
    job: str
    state: str
    start: datetime | None
    end: datetime | None
    parent_id: str | None
    # As lists show it: the line that names the exception.
    error: str

    @classmethod
    def of(cls, run: dict[str, Any]) -> "ShownRun":
        return cls(
            id=run["id"],
            job=run["job"]["name"],
            state=run["state"],
            start=_time(run["started_at"]),
            end=_time(run["ended_at"]),
            parent_id=run["parent"]["run_id"] if run["parent"] else None,
            error=error_headline(run["error_message"] or ""),
        )


def read_runs(url: str, connection_id: UUID, token: str) -> list[ShownRun]:
    """Return all runs, after they are settled."""
    wait_until_settled()
    runs = []
    page: str | None = f"{url}/api/v1/connections/{connection_id}/runs"
    while page:
        answer = requests.get(page, headers={"Authorization": f"Bearer {token}"}, timeout=_ANSWER_SECONDS)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        runs += [ShownRun.of(run) for run in found["results"]]
        page = found["next"]
    return runs


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
