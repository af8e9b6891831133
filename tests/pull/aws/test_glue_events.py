"""States of job runs and workflow runs that moto does not play. Pure."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from pull.sources.glue.events import UnknownState, Writer, schedules_of
from pull.sources.glue.records import Action, JobRun, Trigger, WorkflowRun

BEGAN = datetime(2026, 12, 1, tzinfo=UTC)
WRITER = Writer("arn:aws:glue:eu-west-1:123456789012", "eu-west-1")


def job_run(state: str, **fields: object) -> JobRun:
    return msgspec.convert({"Id": "jr_1", "JobName": "etl", "JobRunState": state, "StartedOn": BEGAN, **fields}, JobRun)


@pytest.mark.parametrize(
    ("state", "types"),
    [
        *((state, []) for state in ("STARTING", "WAITING")),
        *((state, ["START"]) for state in ("RUNNING", "STOPPING")),
        *((state, ["START", "FAIL"]) for state in ("FAILED", "ERROR", "TIMEOUT", "EXPIRED")),
        ("STOPPED", ["START", "ABORT"]),
        ("SUCCEEDED", ["START", "COMPLETE"]),
    ],
)
def test_states_of_job_runs(state: str, types: list[str]) -> None:
    run = job_run(state, LastModifiedOn=BEGAN + timedelta(minutes=1), Attempt=1)
    events = [msgspec.json.decode(body) for body in WRITER.job_run(run, None)]
    assert [event["eventType"] for event in events] == types
    for event in events:
        assert event["run"]["facets"]["observatory_run"]["attempt"] == 2
    if types[1:]:
        # It has no end of its own: the time of its last change.
        assert events[1]["eventTime"] == "2026-12-01T00:01:00.000000Z"
    if types[1:] == ["FAIL"]:
        assert events[1]["run"]["facets"]["errorMessage"]["message"] == state


def test_unknown_states_are_named() -> None:
    with pytest.raises(UnknownState, match="LEVITATING"):
        list(WRITER.job_run(job_run("LEVITATING"), None))


def test_job_runs_are_in_the_workflow_runs_whose_graphs_name_them() -> None:
    answer = {
        "WorkflowRunId": "wr_1",
        "Name": "nightly",
        "Status": "ERROR",
        "StartedOn": BEGAN,
        "CompletedOn": BEGAN,
        "ErrorMessage": "A trigger failed",
        "Graph": {
            "Nodes": [
                {"Type": "TRIGGER", "Name": "at-one"},
                {"Type": "JOB", "Name": "etl", "JobDetails": {"JobRuns": [{"Id": "jr_1"}]}},
                {"Type": "JOB", "Name": "later", "JobDetails": {}},
            ]
        },
    }
    run = msgspec.convert(answer, WorkflowRun)
    assert list(run.job_runs()) == ["jr_1"]
    [start, _] = [msgspec.json.decode(body) for body in WRITER.job_run(job_run("SUCCEEDED", CompletedOn=BEGAN), run)]
    assert start["run"]["facets"]["parent"]["run"] == {"runId": "wr_1"}
    assert start["run"]["facets"]["parent"]["job"]["name"] == "workflow/nightly"
    _, end = [msgspec.json.decode(body) for body in WRITER.workflow_run(run)]
    assert (end["eventType"], end["run"]["facets"]["errorMessage"]["message"]) == ("FAIL", "A trigger failed")


def test_schedules_of_triggers_that_are_on() -> None:
    def trigger(type_: str, state: str, schedule: str, job: str, workflow: str = "") -> Trigger:
        return Trigger("one", type_, state, schedule, workflow, [Action(job)])

    triggers = [
        trigger("SCHEDULED", "ACTIVATED", "cron(0 2 * * ? *)", "etl"),
        trigger("SCHEDULED", "ACTIVATED", "cron(0 1 * * ? *)", "etl"),
        trigger("SCHEDULED", "DEACTIVATED", "cron(0 3 * * ? *)", "etl"),
        trigger("CONDITIONAL", "ACTIVATED", "", "report"),
        trigger("SCHEDULED", "ACTIVATED", "cron(0 4 * * ? *)", "first", "nightly"),
    ]
    assert schedules_of(triggers) == {
        "etl": "cron(0 1 * * ? *), cron(0 2 * * ? *)",
        "workflow/nightly": "cron(0 4 * * ? *)",
    }
