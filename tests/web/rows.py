"""Rows that pages show, made directly: these tests are about reading them."""

import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from connections.models import Connection
from lineage.models import Activity, Job, Run, RunState
from tests.lineage.settling import save_runs

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TERMINAL_TYPES = {RunState.COMPLETED: "COMPLETE", RunState.FAILED: "FAIL", RunState.ABORTED: "ABORT"}
# What only a DAG run says of its task.
STATES_FROM_PARENT = {RunState.SKIPPED, RunState.UPSTREAM_FAILED}


def make_connection(name: str = "Airflow production", type_: str = "airflow") -> Connection:
    return Connection.objects.create(name=name, type=type_, created_at=NOW - timedelta(days=30))


def make_activity(connection: Connection, job_name: str = "orders", at: datetime = NOW) -> Activity:
    return Activity.objects.create(connection=connection, first_event_at=at, last_event_at=at, first_job_name=job_name)


def job(connection: Connection, name: str = "orders", **fields: Any) -> Job:
    """Make a job without saving it. If `state` is given, it has a run, which took place an hour ago."""
    return Job(
        connection=connection,
        id=fields.pop("id", None) or uuid.uuid4(),
        namespace=fields.pop("namespace", "prod"),
        name=name,
        described_at=NOW,
        **fields,
    )


def job_that_ran(
    connection: Connection,
    name: str = "orders",
    state: str = RunState.COMPLETED,
    *,
    started_at: datetime | None = NOW - timedelta(hours=1),
    ended_at: datetime | None = NOW - timedelta(minutes=50),
    **fields: Any,
) -> Job:
    return job(
        connection,
        name,
        latest_run_id=(latest := uuid.uuid4()),
        latest_run_sent_id=latest,
        latest_run_state=state,
        latest_run_at=started_at or ended_at or NOW,
        latest_run_started_at=started_at,
        latest_run_ended_at=ended_at if state in TERMINAL_TYPES else None,
        running_runs=fields.pop("running_runs", int(state == RunState.RUNNING)),
        **fields,
    )


def save(jobs: Iterable[Job], error_message: str | None = None) -> list[Job]:
    """Saves the jobs, the latest run of each, and as many running ones as it says: they sent an event right now."""
    jobs = Job.objects.bulk_create(jobs)
    save_runs(run for job in jobs if job.latest_run_id for run in _runs_of(job, error_message))
    return jobs


def _runs_of(job: Job, error_message: str | None) -> Iterator[Run]:
    state = job.latest_run_state
    is_running = state == RunState.RUNNING
    assert job.latest_run_at
    assert job.latest_run_state
    yield _run_of(
        job,
        job.latest_run_at,
        id=job.latest_run_id,
        active=state != RunState.UNKNOWN,
        terminal_type=TERMINAL_TYPES.get(RunState(job.latest_run_state)),
        state_from_parent=state if state in STATES_FROM_PARENT else None,
        started_at=job.latest_run_started_at,
        ended_at=job.latest_run_ended_at,
        error_message=error_message if state == RunState.FAILED else None,
        last_event_at=timezone.now() if is_running else job.latest_run_at,
    )
    for number in range(1, job.running_runs + 1 - is_running):
        began = job.latest_run_at - timedelta(seconds=number)
        yield _run_of(job, began, id=uuid.uuid4(), active=True, started_at=began, last_event_at=timezone.now())


def _run_of(job: Job, at: datetime, **fields: Any) -> Run:
    ids = {"run_id": fields["id"], **fields}
    return Run(connection_id=job.connection_id, job=job, first_event_at=at, event_count=2, **ids)
