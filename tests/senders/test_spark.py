"""Observatory compared with Spark's own record: real applications, whose event logs say how each execution ended.

The listener takes the times of its events from Spark, so runs are compared to the millisecond.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from people.tokens import create_api_token
from tests.live_server import Sender
from tests.senders.spark import Spark
from tests.senders.spark_record import ApplicationRecord, SqlExecution, read_records
from tests.senders.spark_shown import ShownRun, read_runs
from tests.serving import LiveServer


def first_line(error: str) -> str:
    """Return what `Outcome` compares of an error in Spark's own record."""
    before, _, traceback = error.partition("Traceback (most recent call last):\n")
    lines = [line for line in traceback.splitlines() if line.strip() and not line.startswith(" ")]
    return lines[0] if lines else before.partition("\n")[0]


class Outcome(NamedTuple):
    """Outcome of a run by both records. `error`: the first line, or the exception below a Python traceback."""

    start: datetime | None
    end: datetime | None
    state: str
    error: str


def shown(run: ShownRun) -> Outcome:
    return Outcome(run.start, run.end, run.state, run.error)


def of_application(record: ApplicationRecord) -> Outcome:
    """Return what is right for an application. Spark does not record whether its program failed."""
    return Outcome(record.start, record.end, "COMPLETED", "")


def of_execution(execution: SqlExecution) -> Outcome:
    """Return what is right for an execution.

    A failed one ends with its Spark job, some milliseconds earlier. If it fails without a job, the listener (1.53)
    sends COMPLETE without an error, as for one that succeeded.
    """
    if execution.job_failed_at:
        return Outcome(execution.start, execution.job_failed_at, "FAILED", first_line(execution.error))
    return Outcome(execution.start, execution.end, "COMPLETED", "")


@pytest.fixture
def spark(server: LiveServer, sender: Sender, tmp_path: Path) -> Spark:
    return Spark.configure(tmp_path, url=server.endpoint(sender.connection.id), key=sender.key)


@pytest.fixture
def runs(server: LiveServer, sender: Sender) -> Any:
    token = create_api_token(user=User.objects.create_user("ada"), name="script", now=timezone.now()).text
    return lambda: read_runs(server.url, sender.connection.id, token)


def assert_shown_as_recorded(record: ApplicationRecord, runs: list[ShownRun]) -> None:
    (application,) = (run for run in runs if run.job == record.name)
    children = [run for run in runs if run.parent_id == application.id]

    assert shown(application) == of_application(record)
    assert all(run.job.startswith(f"{record.name}.") for run in children)
    assert sorted(map(shown, children)) == sorted(map(of_execution, record.executions))


@pytest.mark.parametrize(
    ("what", "succeeds", "errors"),
    [
        ("good", True, [False, False]),
        ("failing", False, [True]),
        ("failing_without_job", False, [True]),
        ("caught", True, [True, False]),
        ("streaming", True, [False, False, False]),
        ("streaming_failing", False, [False, False, True]),
    ],
)
def test_application(spark: Spark, runs: Any, what: str, succeeds: bool, errors: list[bool]) -> None:
    spark.start(what, "orders").wait(succeeds=succeeds)

    record = read_records(spark.event_logs)["orders"]
    found = runs()

    assert [bool(execution.error) for execution in record.executions] == errors
    assert_shown_as_recorded(record, found)
    assert len(found) == 1 + len(record.executions)


def test_applications_at_once(spark: Spark, runs: Any) -> None:
    names = ["orders", "returns"]
    for application in [spark.start("caught", name) for name in names]:
        application.wait(succeeds=True)

    records = read_records(spark.event_logs)
    found = runs()

    assert sorted(records) == names
    for record in records.values():
        assert_shown_as_recorded(record, found)
    assert len(found) == sum(1 + len(record.executions) for record in records.values())
