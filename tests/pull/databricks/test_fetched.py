"""Databricks, as its reference describes it: it was never seen live."""

import base64
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
from tests.pull.databricks.workspace import NOW, TOKEN, Workspace, ms, run, status, task, under_way
from tests.pull.local_server import Answer, Asked, LocalServer, answering

pytestmark = pytest.mark.django_db


@contextmanager
def served(workspace: Workspace, **config: str) -> Iterator[tuple[PullSource, LocalServer]]:
    with answering(workspace.answer) as server:
        server.now = NOW
        now = timezone.now()
        source = set_up_source(
            connection=create_connection(name=uuid.uuid4().hex, type="openlineage", created_by=None, now=now),
            system="databricks",
            config={"url": server.url, **config},
            secret={"secret": TOKEN},
            created_by=None,
            now=now,
        )
        yield source, server


def shown(source: PullSource) -> dict[tuple[str, str], str]:
    """Job and run id → shown state."""
    runs = Run.objects.filter(connection_id=source.connection_id, is_hidden=False).select_related("job")
    return {(one.job.name, one.orchestrator_run_id): one.shown_state for one in runs}


def fetch_at(source: PullSource, server: LocalServer, minutes: int) -> Any:
    server.now = NOW + timedelta(minutes=minutes)
    return fetch(source, clock=lambda: NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (status("SUCCESS"), "COMPLETED"),
        (status("SUCCESS_WITH_FAILURES"), "COMPLETED"),
        (status("FAILED"), "FAILED"),
        (status("TIMEDOUT"), "FAILED"),
        (status("CANCELED"), "ABORTED"),
        (status("UPSTREAM_FAILED"), "ABORTED"),
        (status("EXCLUDED"), "SKIPPED"),
        (status("MAXIMUM_CONCURRENT_RUNS_REACHED"), "SKIPPED"),
        ({"state": {"life_cycle_state": "SKIPPED"}}, "SKIPPED"),
        ({"state": {"life_cycle_state": "INTERNAL_ERROR", "result_state": "FAILED"}}, "FAILED"),
        (
            {"status": {"state": "TERMINATED", "termination_details": {"code": "NEW", "type": "CLOUD_FAILURE"}}},
            "FAILED",
        ),
        (under_way("TERMINATING"), "RUNNING"),
        (under_way("QUEUED"), None),
        (under_way("WAITING"), None),
    ],
)
def test_states(state: dict[str, Any], expected: str | None) -> None:
    with served(Workspace([run(1, state)])) as (source, _):
        done = fetch(source, clock=lambda: NOW)
    assert (done.outcome, done.problems) == ("ok", {})
    assert shown(source) == ({("nightly", "1"): expected} if expected else {})


def test_runs_tasks_and_jobs() -> None:
    tasks = [
        task(101, "extract", status("SUCCESS")),
        task(102, "load", status("FAILED", "Table or view not found: orders"), attempt_number=1),
        task(103, "publish", status("UPSTREAM_FAILED", "A task before it failed")),
    ]
    settings = {
        "name": "nightly",
        "description": "Loads orders",
        "tags": {"team": "shop"},
        "schedule": {"quartz_cron_expression": "0 0 3 * * ?", "timezone_id": "Europe/Zurich"},
    }
    jobs: list[dict[str, Any]] = [
        {"job_id": 11, "run_as_user_name": "ada@example.com", "settings": settings},
        *({"job_id": number, "settings": {"name": "twice"}} for number in (12, 13)),
    ]
    runs = [
        run(1, status("FAILED", "Task load failed"), tasks=tasks, run_page_url="https://w.example.com/run/1"),
        *(run(number, status("SUCCESS"), job_id=number) for number in (12, 13)),
    ]
    with served(Workspace(runs, jobs)) as (source, server):
        done = fetch(source, clock=lambda: NOW)
        again = fetch_at(source, server, 6)
        assert check(source, allowed=ALLOWED, now=NOW).agrees
    assert shown(source) == {
        ("nightly", "1"): "FAILED",
        ("nightly.extract", "101"): "COMPLETED",
        ("nightly.load", "102"): "FAILED",
        ("nightly.publish", "103"): "ABORTED",
        ("twice", "12"): "COMPLETED",
        ("twice (13)", "13"): "COMPLETED",
    }
    load = Run.objects.get(connection_id=source.connection_id, orchestrator_run_id="102")
    assert (load.attempt, load.error_message) == (2, "Table or view not found: orders")
    assert load.parent_job_name == "nightly"
    job = Job.objects.get(connection_id=source.connection_id, name="nightly")
    assert (job.schedule, job.schedule_timezone) == ("0 0 3 * * ?", "Europe/Zurich")
    assert (job.owners, job.tags, job.description) == (["ada@example.com"], ["team:shop"], "Loads orders")
    assert done.new_events == done.events
    assert again.new_events == 0


def test_what_began_long_ago_is_read_until_it_ends() -> None:
    """Filters know starts alone: a run that began before the window ends in it."""
    long, late = run(1, under_way(), began=100), run(2, under_way("QUEUED"), began=0.1)
    workspace = Workspace([long, late])
    with served(workspace) as (source, server):
        fetch(source, clock=lambda: NOW)
        assert shown(source) == {("nightly", "1"): "RUNNING"}
        assert set(OpenRun.objects.values_list("key", flat=True)) == {"1", "2"}
        PullSource.objects.filter(pk=source.pk).update(backfilled_to=NOW, backfill_to=NOW)
        # A day later it has not ended: an event each hour says so.
        fetch_at(source, server, 24 * 60)
        assert shown(source)["nightly", "1"] == "RUNNING"
        long |= status("SUCCESS") | {"end_time": long["start_time"] + 1}
        late |= status("FAILED", "No cluster")
        fetch_at(source, server, 48 * 60)
        assert shown(source) == {("nightly", "1"): "COMPLETED", ("nightly", "2"): "FAILED"}
        assert not OpenRun.objects.exists()


def test_a_run_that_was_deleted_is_forgotten() -> None:
    workspace = Workspace([run(1, under_way(), began=1)])
    with served(workspace) as (source, server):
        fetch(source, clock=lambda: NOW)
        workspace.runs.clear()
        PullSource.objects.filter(pk=source.pk).update(backfilled_to=NOW, backfill_to=NOW)
        assert fetch_at(source, server, 24 * 60).outcome == "ok"
        assert not OpenRun.objects.exists()


def test_unknown_states_are_named() -> None:
    unknown = {"status": {"state": "TERMINATED", "termination_details": {"code": "LEVITATED", "type": "MAGIC"}}}
    with served(Workspace([run(1, unknown), run(2, status("SUCCESS"))])) as (source, _):
        done = fetch(source, clock=lambda: NOW)
    assert (done.outcome, done.problems) == ("partial", {"Unknown state LEVITATED": 1})
    assert shown(source) == {("nightly", "2"): "COMPLETED"}


def test_an_unknown_state_may_come_to_an_end_that_is_known() -> None:
    one = run(1, under_way("HIBERNATING"), began=20)
    with served(Workspace([one])) as (source, server):
        assert fetch(source, clock=lambda: NOW).problems == {"Unknown state HIBERNATING": 1}
        PullSource.objects.filter(pk=source.pk).update(backfilled_to=NOW, backfill_to=NOW)
        one |= status("SUCCESS") | {"end_time": one["start_time"] + 1}
        fetch_at(source, server, 60)
    assert shown(source) == {("nightly", "1"): "COMPLETED"}


def test_a_new_job_of_the_same_name_leaves_the_name_of_the_old_one() -> None:
    workspace = Workspace([run(1, under_way())])
    workspace.jobs[0]["created_time"] = 1
    with served(workspace) as (source, server):
        fetch(source, clock=lambda: NOW)
        # Ids do not tell which is older.
        workspace.jobs.append({"job_id": 5, "created_time": 2, "settings": {"name": "nightly"}})
        workspace.runs[0] |= status("SUCCESS") | {"end_time": workspace.runs[0]["start_time"] + 1}
        fetch_at(source, server, 60)
    assert shown(source) == {("nightly", "1"): "COMPLETED"}


def test_a_repair_ends_the_run_of_the_job_anew() -> None:
    """Repaired tasks run "as part of the original job run", says the reference: the run keeps its number."""
    one = run(1, status("FAILED"), tasks=[task(101, "load", status("FAILED"))])
    with served(Workspace([one])) as (source, server):
        fetch(source, clock=lambda: NOW)
        PullSource.objects.filter(pk=source.pk).update(backfilled_to=NOW, backfill_to=NOW)
        one |= under_way()
        one["tasks"].append(task(102, "load", under_way(), began=-0.5, attempt_number=1))
        fetch_at(source, server, 60)
        one |= status("SUCCESS") | {"end_time": ms(hours=-1.2)}
        one["tasks"][1] |= status("SUCCESS") | {"end_time": ms(hours=-1.2)}
        fetch_at(source, server, 90)
    assert shown(source) == {
        ("nightly", "1"): "COMPLETED",
        ("nightly.load", "101"): "RETRIED",
        ("nightly.load", "102"): "COMPLETED",
    }


def test_a_service_principal_gets_a_new_token_once_its_own_has_ended() -> None:
    workspace = Workspace([run(1, status("SUCCESS"))])
    asked: list[Asked] = []

    def refuse(one: Asked) -> Answer | None:
        if one.path == "/oidc/v1/token":
            asked.append(one)
        return Answer(401) if "runs/list" in one.path and len(asked) == 1 else None

    workspace.refuse = refuse
    with served(workspace, client_id="principal") as (source, _):
        assert fetch(source, clock=lambda: NOW).outcome == "ok"
    assert len(asked) == 2
    assert asked[0].headers["Authorization"] == f"Basic {base64.b64encode(f'principal:{TOKEN}'.encode()).decode()}"
    assert asked[0].body == b"grant_type=client_credentials&scope=all-apis"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(401), "unauthorized"),
        (Answer(403), "forbidden"),
        (Answer(429, b"", {"Retry-After": "60"}), "throttled"),
        (Answer(200, b"<html>", {"Content-Type": "text/html"}), "not_json"),
    ],
)
def test_refusals(answer: Answer, code: str) -> None:
    with served(Workspace(refuse=lambda asked: answer if "runs" in asked.path else None)) as (source, _):
        failed = fetch(source, clock=lambda: NOW)
    assert (failed.outcome, failed.code) == ("failed", code)
    assert TOKEN not in failed.reason
    assert source.cursor is None


def test_the_test_of_the_form() -> None:
    with answering(Workspace([run(1, status("SUCCESS"))]).answer) as server:
        given: dict[str, Any] = {"system": "databricks", "config": {"url": server.url}, "allowed": ALLOWED}
        assert [step.passed for step in probe(secret={"secret": TOKEN}, **given)] == [True, True, True]
        *_, last = probe(secret={"secret": "wrong"}, **given)
    assert (last.title, last.passed) == ("Signs in", False)
