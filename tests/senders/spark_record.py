"""Spark's own record of its applications, from their event logs."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_APPLICATION_START = "SparkListenerApplicationStart"
_APPLICATION_END = "SparkListenerApplicationEnd"
_JOB_START = "SparkListenerJobStart"
_JOB_END = "SparkListenerJobEnd"
_EXECUTION_OF_JOB = "spark.sql.execution.id"
_SQL_START = "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart"
_SQL_END = "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionEnd"


@dataclass(frozen=True)
class SqlExecution:
    """Execution of a query or a command. `error`: empty if it succeeded."""

    start: datetime
    end: datetime
    # End of its Spark job that failed. An execution may also fail without one.
    job_failed_at: datetime | None
    error: str


@dataclass(frozen=True)
class ApplicationRecord:
    name: str
    start: datetime
    end: datetime
    executions: list[SqlExecution]


def read_records(event_logs: Path) -> dict[str, ApplicationRecord]:
    """Return name → record of each application that ended."""
    records = [_record(file) for file in sorted(event_logs.iterdir())]
    return {record.name: record for record in records}


def _record(file: Path) -> ApplicationRecord:
    events = [json.loads(line) for line in file.read_text().splitlines()]
    (start,) = (event for event in events if event["Event"] == _APPLICATION_START)
    (end,) = (event for event in events if event["Event"] == _APPLICATION_END)
    ends = {event["executionId"]: event for event in events if event["Event"] == _SQL_END}
    job_failures = _job_failures(events)
    executions = [
        _execution(event, ends[event["executionId"]], job_failures.get(event["executionId"]))
        for event in events
        if event["Event"] == _SQL_START
    ]
    return ApplicationRecord(start["App Name"], _time(start["Timestamp"]), _time(end["Timestamp"]), executions)


def _job_failures(events: list[dict[str, Any]]) -> dict[int, datetime]:
    """Return SQL execution → end of its Spark job that failed."""
    failed = {
        event["Job ID"]: _time(event["Completion Time"])
        for event in events
        if event["Event"] == _JOB_END and event["Job Result"]["Result"] == "JobFailed"
    }
    return {
        int(event["Properties"][_EXECUTION_OF_JOB]): failed[event["Job ID"]]
        for event in events
        if event["Event"] == _JOB_START and event["Job ID"] in failed
    }


def _execution(start: dict[str, Any], end: dict[str, Any], job_failed_at: datetime | None) -> SqlExecution:
    return SqlExecution(_time(start["time"]), _time(end["time"]), job_failed_at, end["errorMessage"])


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
