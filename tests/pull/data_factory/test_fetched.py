"""Azure Data Factory, as its reference describes it: it was never seen live."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connections.actions import create_connection
from lineage.models import Job, Run
from pull.actions import probe, set_up_source
from pull.checking import check
from pull.models import OpenRun, PullSource
from tests.pull.conftest import ALLOWED, fetch
from tests.pull.data_factory.factory import NOW, SECRET, Factory, activity, at, run
from tests.pull.local_server import Answer, Asked, LocalServer, answering

pytestmark = pytest.mark.django_db

CONFIG = {"tenant": "t1", "client_id": "c1", "subscription": "s1", "resource_group": "shop", "factory": "loads"}


@contextmanager
def served(factory: Factory) -> Iterator[tuple[PullSource, LocalServer]]:
    with answering(factory.answer) as server:
        server.now = NOW
        now = timezone.now()
        source = set_up_source(
            connection=create_connection(name=uuid.uuid4().hex, type="openlineage", created_by=None, now=now),
            system="data_factory",
            config={**CONFIG, "endpoint": server.url},
            secret={"secret": SECRET},
            created_by=None,
            now=now,
        )
        yield source, server


def shown(source: PullSource) -> dict[tuple[str, str], str]:
    """Job and run id → shown state."""
    runs = Run.objects.filter(connection_id=source.connection_id, is_hidden=False).select_related("job")
    return {(one.job.name, one.orchestrator_run_id): one.shown_state for one in runs}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Succeeded", "COMPLETED"),
        ("Failed", "FAILED"),
        ("Cancelled", "ABORTED"),
        ("Skipped", "SKIPPED"),
        ("InProgress", "RUNNING"),
        ("Canceling", "RUNNING"),
        ("Queued", None),
    ],
)
def test_statuses(status: str, expected: str | None) -> None:
    with served(Factory([run("r1", status)])) as (source, _):
        done = fetch(source, clock=lambda: NOW)
    assert (done.outcome, done.problems) == ("ok", {})
    assert shown(source) == ({("nightly", "r1"): expected} if expected else {})


def test_pipeline_runs_and_activity_runs() -> None:
    activities = [
        activity("a1", "copy", "Succeeded"),
        activity("a2", "load", "Failed", retryAttempt=1, error={"errorCode": "2200", "message": "No such table"}),
        activity("a3", "load", "Succeeded", retryAttempt=2),
    ]
    # Cancelled runs have no end in the reference's own example: then their last change is.
    cancelled = run("r2", "Cancelled", ended=None)
    runs = [run("r1", "Failed", message="Activity load failed"), cancelled, run("r3", "Succeeded")]
    with served(Factory(runs, {"r1": activities})) as (source, server):
        done = fetch(source, clock=lambda: NOW)
        server.now = NOW + timedelta(minutes=4)
        again = fetch(source, clock=lambda: NOW + timedelta(minutes=4))
        assert check(source, allowed=ALLOWED, now=NOW).agrees
    assert shown(source) == {
        ("nightly", "r1"): "FAILED",
        ("nightly", "r2"): "ABORTED",
        ("nightly", "r3"): "COMPLETED",
        ("nightly.copy", "a1"): "COMPLETED",
        ("nightly.load", "a2"): "RETRIED",
        ("nightly.load", "a3"): "COMPLETED",
    }
    found = Run.objects.filter(connection_id=source.connection_id, is_hidden=False)
    assert found.get(orchestrator_run_id="a2").error_message == "No such table"
    ended = found.get(orchestrator_run_id="r2").ended_at
    assert ended is not None
    assert ended.isoformat().startswith(at(0.5)[:19])
    assert done.new_events == done.events
    assert again.new_events == 0


def test_pipelines() -> None:
    recurrence = {"frequency": "Hour", "interval": 24, "timeZone": "UTC"}
    trigger = {
        "type": "ScheduleTrigger",
        "runtimeState": "Started",
        "pipelines": [{"pipelineReference": {"referenceName": "nightly"}}],
        "typeProperties": {"recurrence": recurrence},
    }
    pipelines = [{"name": "nightly", "properties": {"description": "Loads orders", "annotations": ["shop"]}}]
    pipelines += [{"name": f"p{number}", "properties": {}} for number in range(4)]
    with served(Factory([], {}, pipelines, [{"name": "daily", "properties": trigger}])) as (source, _):
        assert fetch(source, clock=lambda: NOW).outcome == "ok"
    job = Job.objects.get(connection_id=source.connection_id, name="nightly")
    assert (job.schedule, job.tags, job.description) == ("every 24 hours", ["shop"], "Loads orders")
    assert Job.objects.filter(connection_id=source.connection_id, name__startswith="p").count() == 4


def test_what_runs_for_hours_is_not_lost_and_ends() -> None:
    long = run("r1", "InProgress", began=30, ended=None, lastUpdated=at(20))
    copy = activity("a1", "copy", "InProgress", activityRunStart=at(30), activityRunEnd=None)
    with served(Factory([long], {"r1": [copy]})) as (source, server):
        fetch(source, clock=lambda: NOW)
        assert {run.last_event_at for run in Run.objects.filter(connection_id=source.connection_id)} == {NOW}
        assert shown(source) == {("nightly", "r1"): "RUNNING", ("nightly.copy", "a1"): "RUNNING"}
        long |= {"status": "Succeeded", "runEnd": at(-1), "lastUpdated": at(-1)}
        copy |= {"status": "Succeeded", "activityRunEnd": at(-1)}
        PullSource.objects.filter(pk=source.pk).update(backfilled_to=NOW, backfill_to=NOW)
        server.now = NOW + timedelta(hours=2)
        fetch(source, clock=lambda: NOW + timedelta(hours=2))
    assert shown(source) == {("nightly", "r1"): "COMPLETED", ("nightly.copy", "a1"): "COMPLETED"}
    assert not OpenRun.objects.exists()


def test_activities_without_an_end() -> None:
    """Their duration makes their end, or that of their pipeline run does; they have none before that has ended."""
    lasted = activity("a1", "copy", "Cancelled", activityRunEnd=None, durationInMs=600_000)
    unsaid = [activity(key, key, "Cancelled", activityRunEnd=None) for key in ("a2", "a3")]
    runs = [run("r1", "Cancelled", ended=None), run("r2", "Canceling", ended=None)]
    with served(Factory(runs, {"r1": [lasted, unsaid[0]], "r2": [unsaid[1]]})) as (source, _):
        fetch(source, clock=lambda: NOW)
    found = Run.objects.filter(connection_id=source.connection_id)
    ends = dict(found.values_list("orchestrator_run_id", "ended_at"))
    assert ends["a1"] == NOW - timedelta(hours=2) + timedelta(minutes=10)
    assert ends["a2"] == ends["r1"] == NOW - timedelta(minutes=30)
    assert ends["a3"] is None


def test_unknown_statuses_are_named() -> None:
    with served(Factory([run("r1", "Levitating"), run("r2", "Succeeded")])) as (source, _):
        done = fetch(source, clock=lambda: NOW)
    assert (done.outcome, done.problems) == ("partial", {"Unknown state Levitating": 1})
    assert shown(source) == {("nightly", "r2"): "COMPLETED"}


def test_a_token_that_has_ended_is_asked_for_anew_once() -> None:
    factory = Factory([run("r1", "Succeeded")])
    factory.refuse = lambda asked: Answer(401) if "queryPipelineRuns" in asked.path and factory.tokens == 1 else None
    with served(factory) as (source, _):
        assert fetch(source, clock=lambda: NOW).outcome == "ok"
    assert factory.tokens == 2


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(403), "forbidden"),
        (Answer(429, b"", {"Retry-After": "60"}), "throttled"),
        (Answer(200, b"<html>", {"Content-Type": "text/html"}), "not_json"),
        (Answer(500), "server_fault"),
    ],
)
def test_refusals(answer: Answer, code: str) -> None:
    def refuse(asked: Asked) -> Answer | None:
        return answer if "queryPipelineRuns" in asked.path else None

    with served(Factory(refuse=refuse)) as (source, _):
        failed = fetch(source, clock=lambda: NOW)
    assert (failed.outcome, failed.code) == ("failed", code)
    assert SECRET not in failed.reason
    assert source.cursor is None


def test_the_test_of_the_form() -> None:
    with answering(Factory([run("r1", "Succeeded")]).answer) as server:
        given: dict[str, Any] = {"system": "data_factory", "config": {**CONFIG, "endpoint": server.url}}
        steps = probe(secret={"secret": SECRET}, allowed=ALLOWED, **given)
        assert [step.passed for step in steps] == [True, True, True]
        *_, last = probe(secret={"secret": "wrong"}, allowed=ALLOWED, **given)
    assert (last.title, last.passed) == ("Signs in", False)
