"""Summary of a connection: status, reason, job counts."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connections.models import ApiKey, Attempt, Connection
from lineage.models import Activity, Job
from lineage.overview.summaries import ConnectionStatus, connection_summaries, connection_summary

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def make_connection(name: str = "Airflow production") -> Connection:
    return Connection.objects.create(name=name, type=Connection.Type.AIRFLOW, created_at=NOW)


def make_key(connection: Connection, **fields: Any) -> ApiKey:
    lookup = uuid.uuid4().hex
    return ApiKey.objects.create(connection=connection, name=lookup, lookup=lookup, created_at=NOW, **fields)


def make_activity(connection: Connection, last_event_at: datetime = NOW) -> Activity:
    return Activity.objects.create(
        connection=connection,
        first_event_at=NOW - timedelta(days=30),
        last_event_at=last_event_at,
        first_job_name="orders",
    )


def make_attempt(connection: Connection, outcome: str, at: datetime = NOW, reason: str = "") -> Attempt:
    return Attempt.objects.create(connection=connection, at=at, outcome=outcome, status=401, reason=reason)


def make_job(connection: Connection, *, running_runs: int = 0, **fields: Any) -> Job:
    return Job.objects.create(
        connection=connection,
        id=uuid.uuid4(),
        namespace="prod",
        name=uuid.uuid4().hex,
        described_at=NOW,
        running_runs=running_runs,
        **fields,
    )


def test_a_new_connection_is_incomplete_and_says_that_it_has_no_key() -> None:
    summary = connection_summary(make_connection(), now=NOW)
    assert summary.status == "setup_incomplete"
    assert summary.status is ConnectionStatus.SETUP_INCOMPLETE
    assert not summary.is_connected
    assert summary.reason == "No API key yet"
    assert (summary.first_event_at, summary.last_event_at, summary.first_job_name) == (None, None, "")
    assert (summary.total_jobs, summary.running_jobs, summary.failing_jobs) == (0, 0, 0)


def test_a_key_that_nobody_used() -> None:
    connection = make_connection()
    make_key(connection)
    assert connection_summary(connection, now=NOW).reason == "API key never used"
    assert connection_summary(connection, now=NOW + timedelta(days=2)).reason == "API key never used in 2 days"


def test_a_used_key_without_an_event() -> None:
    connection = make_connection()
    make_key(connection)
    make_key(connection, last_used_at=NOW)
    assert connection_summary(connection, now=NOW).reason == "No event received yet"
    assert connection_summary(connection, now=NOW + timedelta(days=1)).reason == "No event received in 1 day"


def test_a_refused_request_says_why_and_when() -> None:
    connection = make_connection()
    make_key(connection)
    make_attempt(connection, Attempt.Outcome.STORED, NOW - timedelta(minutes=9))
    make_attempt(connection, Attempt.Outcome.REJECTED, NOW - timedelta(minutes=5), "This API key is unknown.")
    summary = connection_summary(connection, now=NOW)
    assert summary.reason == "Last request refused: This API key is unknown."
    assert summary.reason_at == NOW - timedelta(minutes=5)


def test_a_refusal_before_an_accepted_request_is_forgotten() -> None:
    connection = make_connection()
    make_key(connection, last_used_at=NOW)
    make_activity(connection)
    make_attempt(connection, Attempt.Outcome.REJECTED, NOW - timedelta(minutes=5), "Not JSON.")
    make_attempt(connection, Attempt.Outcome.STORED, NOW - timedelta(minutes=4))
    assert connection_summary(connection, now=NOW).reason == ""


def test_of_two_attempts_at_the_same_time_the_later_row_counts() -> None:
    connection = make_connection()
    make_key(connection, last_used_at=NOW)
    make_activity(connection)
    make_attempt(connection, Attempt.Outcome.STORED)
    make_attempt(connection, Attempt.Outcome.REJECTED, reason="Not JSON.")
    assert connection_summary(connection, now=NOW).reason == "Last request refused: Not JSON."


def test_a_connection_with_an_event_is_connected_and_has_no_reason() -> None:
    connection = make_connection()
    make_key(connection, last_used_at=NOW)
    make_activity(connection)
    summary = connection_summary(connection, now=NOW)
    assert summary.status == "connected"
    assert summary.is_connected
    assert summary.reason == ""
    assert summary.last_event_at == NOW
    assert summary.first_job_name == "orders"


@pytest.mark.parametrize(
    ("silence", "reason"),
    [
        (timedelta(hours=25, minutes=59), ""),
        (timedelta(hours=26), "Silent for 26 h"),
        (timedelta(hours=47, minutes=59), "Silent for 47 h"),
        (timedelta(hours=48), "Silent for 2 days"),
    ],
)
def test_silence(silence: timedelta, reason: str) -> None:
    connection = make_connection()
    make_key(connection, last_used_at=NOW)
    make_activity(connection, NOW - silence)
    summary = connection_summary(connection, now=NOW)
    assert (summary.status, summary.reason) == ("connected", reason)


def test_a_connected_connection_without_keys_refuses_events() -> None:
    connection = make_connection()
    make_activity(connection)
    summary = connection_summary(connection, now=NOW)
    assert (summary.status, summary.reason) == ("connected", "No API key: events are refused")


def test_jobs_are_counted_by_connection() -> None:
    first, second = make_connection("first"), make_connection("second")
    make_job(first, running_runs=3, latest_run_state="RUNNING")
    make_job(first, running_runs=1, latest_run_state="FAILED")
    make_job(first, latest_run_state="FAILED")
    make_job(first, latest_run_state="COMPLETED")
    make_job(first)
    make_job(second, latest_run_state="COMPLETED")
    one, two = connection_summaries([second, first], now=NOW)
    assert (one.connection, one.total_jobs, one.running_jobs, one.failing_jobs) == (second, 1, 0, 0)
    assert (two.connection, two.total_jobs, two.running_jobs, two.failing_jobs) == (first, 5, 2, 2)


def test_no_connections() -> None:
    assert connection_summaries([], now=NOW) == []


def test_as_many_queries_for_thirty_as_for_one(django_assert_num_queries: Callable[..., Any]) -> None:
    connections = [make_connection(f"connection {number}") for number in range(30)]
    for connection in connections:
        make_key(connection)
        make_activity(connection)
        make_attempt(connection, Attempt.Outcome.REJECTED)
        make_job(connection)
    for some in (connections[:1], connections):
        with django_assert_num_queries(5):
            connection_summaries(some, now=NOW)
