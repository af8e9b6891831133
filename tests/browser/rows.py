"""Connections as a list shows them, in every state."""

import uuid
from datetime import timedelta

from django.utils import timezone

from connections.models import ApiKey, Attempt, Connection
from lineage.models import Activity, Job, RunState


def add_connection(
    name: str, type_: str = "airflow", *, keys: int = 1, jobs: int = 0, with_event: bool = False
) -> Connection:
    now = timezone.now()
    connection = Connection.objects.create(name=name, type=type_, created_at=now)
    for number in range(keys):
        ApiKey.objects.create(connection=connection, name=f"key {number}", lookup=uuid.uuid4().hex, created_at=now)
    if with_event:
        Activity.objects.create(connection=connection, first_event_at=now, last_event_at=now, first_job_name="orders")
    Job.objects.bulk_create(
        Job(
            connection=connection,
            id=uuid.uuid4(),
            namespace="prod",
            name=f"job {number}",
            described_at=now,
            latest_run_id=(latest := uuid.uuid4()),
            latest_run_sent_id=latest,
            latest_run_at=now,
            latest_run_state=(RunState.FAILED, RunState.RUNNING, RunState.COMPLETED)[number % 3],
            running_runs=int(number % 3 == 1),
        )
        for number in range(jobs)
    )
    return connection


def add_one_of_each() -> None:
    """Connected with and without failures, refused, silent, never used, without a key, and a long name."""
    add_connection("Airflow production", with_event=True, jobs=14)
    add_connection("Analytics warehouse", "dbt", with_event=True, jobs=1)
    refused = add_connection("Spark batch platform", "openlineage", with_event=True)
    Attempt.objects.create(
        connection=refused,
        at=timezone.now() - timedelta(minutes=12),
        outcome=Attempt.Outcome.REJECTED,
        status=401,
        reason="The API key is unknown or was deleted.",
    )
    add_connection("dbt marketing", "dbt")
    add_connection("Playground", "openlineage", keys=0)
    add_connection("Airflow for the colleagues in Europe " + "and-a-word-that-cannot-wrap-anywhere-at-all-" * 1)
