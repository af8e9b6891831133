"""Runs of a connection, as Observatory's read API shows them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import requests

from tests.senders.airflow_scenario import WARM_UP
from tests.serving import LiveServer, OwnDatabase, own_database, serve

_ADD_TOKEN = """
from django.contrib.auth.models import User
from django.utils import timezone
from people.tokens import create_api_token
now = timezone.now()
user, _ = User.objects.get_or_create(username="ada")
print(create_api_token(user=user, name=str(now), now=now).text)
"""


@dataclass(frozen=True)
class ShownRun:
    id: str
    job: str
    state: str
    start: datetime | None
    end: datetime | None
    attempt: int | None
    map_index: int | None
    parent_id: str | None
    orchestrator_run_id: str | None
    # 0: only its DAG run reported it.
    events: int

    @classmethod
    def of(cls, run: dict[str, Any]) -> "ShownRun":
        return cls(
            id=run["id"],
            job=run["job"]["name"],
            state=run["state"],
            start=_time(run["started_at"]),
            end=_time(run["ended_at"]),
            attempt=run["attempt"],
            map_index=run["map_index"],
            parent_id=run["parent"]["run_id"] if run["parent"] else None,
            orchestrator_run_id=run["orchestrator_run_id"],
            events=run["event_count"],
        )


@dataclass(frozen=True)
class Observatory:
    """Product with its own database and a connection for Airflow."""

    database: OwnDatabase
    server: LiveServer
    connection_id: UUID
    key: str

    @property
    def transport(self) -> str:
        """The provider's setting, as in docs/connect/airflow.md."""
        endpoint = self.server.path(self.connection_id).removeprefix("/")
        auth = {"type": "api_key", "apiKey": self.key}
        return json.dumps({"type": "http", "url": self.server.url, "endpoint": endpoint, "auth": auth})

    def runs(self, connection_id: UUID | None = None) -> list[ShownRun]:
        """Return all runs, of Airflow's connection or of another one, page by page, after they are settled."""
        self.database.wait_until_settled()
        token = self.database.manage("shell", "--no-imports", "--command", _ADD_TOKEN).split()[-1]
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self.server.url}/api/v1/connections/{connection_id or self.connection_id}/runs"
        runs = []
        while url:
            answer = requests.get(url, headers=headers, timeout=30)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            runs += [ShownRun.of(run) for run in page["results"]]
            url = page["next"]
        return [run for run in runs if run.job.split(".")[0] != WARM_UP]


@contextmanager
def running_observatory(directory: Path) -> Iterator[Observatory]:
    with own_database() as database, serve(database.url, directory / "observatory.txt") as server:
        connection_id, key = database.add_sender("Airflow")
        yield Observatory(database, server, connection_id, key)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
