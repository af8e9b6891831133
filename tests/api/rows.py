"""Rows that the API shows, made directly: these tests are about reading them."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from connections.actions import set_privacy
from connections.models import ApiKey, Connection
from connections.privacy import Audience, PrivacyClass
from lineage.models import Activity, Dataset, Event, Job, Run
from tests.lineage.dataset_rows import save_dataset
from tests.lineage.settling import save_runs

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def make_connection(name: str = "Airflow production", type_: str = "airflow", **fields: Any) -> Connection:
    return Connection.objects.create(**{"name": name, "type": type_, "created_at": NOW - 720 * HOUR, **fields})


def make_key(connection: Connection, name: str = "scheduler") -> ApiKey:
    return ApiKey.objects.create(
        connection=connection, name=name, lookup=uuid.uuid4().hex, secret_hash="", created_at=NOW
    )


def make_activity(connection: Connection, at: datetime, job_name: str = "") -> Activity:
    return Activity.objects.create(connection=connection, first_event_at=at, last_event_at=at, first_job_name=job_name)


def make_job(connection: Connection, name: str = "orders", **fields: Any) -> Job:
    """Save a job, without a run unless fields name one."""
    latest = {"latest_run_sent_id": fields.get("latest_run_id")}
    defaults = {"id": uuid.uuid4(), "namespace": "prod", "kind": Job.Kind.DAG, "described_at": NOW, **latest}
    return Job.objects.create(connection=connection, name=name, **{**defaults, **fields})


def build_run(job: Job, **fields: Any) -> Run:
    """Make a run without saving it. Unless fields say otherwise it completed, and took an hour from NOW."""
    started_at, ended_at = fields.get("started_at", NOW), fields.get("ended_at", NOW + HOUR)
    first_event_at = fields.get("first_event_at", started_at or ended_at)
    defaults = {
        "id": uuid.uuid4(),
        "active": True,
        "terminal_type": "COMPLETE",
        "started_at": started_at,
        "ended_at": ended_at,
        "first_event_at": first_event_at,
        "last_event_at": ended_at or first_event_at,
        "event_count": 2,
    }
    values = {**defaults, **fields}
    return Run(connection_id=job.connection_id, job=job, **{"run_id": values["id"], **values})


def make_run(job: Job, **fields: Any) -> Run:
    """Saved, and settled with its family."""
    [run] = save_runs([build_run(job, **fields)])
    return run


def make_event(run: Run, body: str | None = None, **fields: Any) -> Event:
    defaults: dict[str, Any] = {
        "id": uuid.uuid4(),
        "event_time": run.first_event_at,
        "received_at": NOW,
        "kind": Event.Kind.RUN,
        "event_type": "START",
        "subject_id": run.id,
        "body": json.dumps({"eventType": "START"}) if body is None else body,
    }
    defaults["body_bytes"] = len(defaults["body"].encode())
    return Event.objects.create(connection_id=run.connection_id, **{**defaults, **fields})


def make_dataset(connection: Connection, name: str = "public.orders", **fields: Any) -> Dataset:
    of = {"id": dataset_id(name, fields.get("namespace", "warehouse")), "namespace": "warehouse"}
    return save_dataset(connection, name, **{**of, **fields})


def dataset_id(name: str, namespace: str = "warehouse") -> uuid.UUID:
    """Make an id that each connection has for this dataset."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{namespace} {name}")


def make_running_runs(job: Job, count: int = 1) -> Job:
    """Save running runs that sent an event right now."""
    for _ in range(count):
        make_run(job, terminal_type=None, ended_at=None, last_event_at=timezone.now())
    job.refresh_from_db()
    return job


def show_to_everyone(connection: Connection) -> None:
    """Let also those who read only see the code, SQL and stack traces of its events."""
    set_privacy(connection=connection, audiences=dict.fromkeys(PrivacyClass, Audience.EVERYONE))
