"""Fetched runs of an account that moto plays, compared with moto's own lists."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connections.actions import create_connection
from lineage.models import Job, Run
from pull.actions import set_up_source
from pull.checking import check
from pull.models import OpenRun, PullSource, SyncRun
from pull.storing import RowsLocked
from tests.pull.aws.account import REGION, Account, account, now, wait_for_the_next_second
from tests.pull.conftest import ALLOWED
from tests.pull.conftest import fetch as fetch_at

pytestmark = pytest.mark.django_db
STATES = {"SUCCEEDED": "COMPLETED", "FAILED": "FAILED", "ABORTED": "ABORTED", "RUNNING": "RUNNING"}


@pytest.fixture(scope="module")
def aws() -> Iterator[Account]:
    with account() as made:
        yield made


def set_up(aws: Account, system: str, *, backfill_days: int = 7, **config: str) -> PullSource:
    at = now()
    connection = create_connection(name=system, type="openlineage", created_by=None, now=at)
    return set_up_source(
        connection=connection,
        system=system,
        config={"region": REGION, "endpoint": aws.url, "access_key_id": "AKIACANARY", **config},
        secret={"secret": "canary-of-a-secret"},
        backfill_days=backfill_days,
        created_by=None,
        now=at,
    )


def fetch(source: PullSource, memory: Any = None) -> SyncRun:
    return fetch_at(source, now, memory)


def fetch_again(source: PullSource, memory: Any = None) -> SyncRun:
    """Fetch the newest day, and the descriptions of jobs, a second time."""
    PullSource.objects.filter(pk=source.pk).update(cursor=now() - timedelta(hours=23), jobs_read_at=None)
    return fetch(source, memory)


def shown(source: PullSource) -> dict[str, tuple[str, Any, Any]]:
    """Own name of each run without a parent → its state and times."""
    runs = Run.objects.filter(connection_id=source.connection_id, parent_run_id=None, is_hidden=False)
    return {run.orchestrator_run_id: (run.shown_state, run.started_at, run.ended_at) for run in runs}


def test_executions_and_their_states(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    # So that each list has pages.
    monkeypatch.setattr("pull.sources.step_functions.api.PAGE", 2)
    monkeypatch.setattr("pull.sources.step_functions.fetcher.RECENT", 2)
    source, memory = set_up(aws, "step_functions"), dict[str, Any]()
    done = fetch(source, memory)
    assert (done.outcome, done.reason) == ("partial", "")
    assert done.problems == {"State machines of type EXPRESS keep no list of executions: quick": 1}
    said = {one["executionArn"]: (STATES[one["status"]], one["startDate"], one["stopDate"]) for one in aws.executions()}
    assert len(said) == 7
    assert shown(source) == said

    states = Run.objects.filter(connection_id=source.connection_id).exclude(parent_run_id=None)
    found = [(run.job.name, run.attempt, run.map_index, run.shown_state) for run in states.select_related("job")]
    expected = [
        *(("shop.Each", 1, None, "COMPLETED"),) * 2,
        *(("shop.Load", 1, 0, "COMPLETED"), ("shop.Load", 1, 1, "COMPLETED")) * 2,
        *(("shop.Flaky", 1, None, "RETRIED"), ("shop.Flaky", 2, None, "FAILED")) * 2,
        *(("shop.Both", 1, None, "COMPLETED"), ("shop.Left", 1, None, "COMPLETED")),
        ("shop.Give up", 1, None, "FAILED"),
    ]
    assert sorted(found, key=str) == sorted(expected, key=str)
    bad = Run.objects.get(job__name="shop", orchestrator_run_id__endswith=":bad")
    gave_up = Run.objects.get(job__name="shop.Give up")
    assert (bad.error_message, gave_up.error_message) == ("Bad: because", "Bad: because")
    assert gave_up.parent_run_id == bad.run_id
    shop = Job.objects.get(connection_id=source.connection_id, name="shop")
    assert (shop.namespace, shop.description) == (f"arn:aws:states:{REGION}:123456789012", "Loads the shop")
    assert (shop.owners, shop.tags, shop.integration) == (["ada"], ["team:shop"], "STEP_FUNCTIONS")

    again = fetch_again(source, memory)
    assert (again.outcome, again.new_events, again.events > 20) == ("ok", 0, True)
    assert check(source, allowed=ALLOWED, now=now()).agrees


def out_of_order(*_: Any) -> Any:
    raise RowsLocked


def still_running(source: PullSource, room: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Fetch over a full hour with runs that count as long ones, and again. Return how many events were new."""
    with monkeypatch.context() as patched:
        patched.setattr(f"pull.sources.{room}.fetcher._SILENT_FOR", -timedelta(hours=2))
        first, *again = [fetch_again(source).new_events for _ in range(3)]
    # An hour may end between two of them.
    return first, min(again)


def test_executions_are_read_until_they_have_ended(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pull.sources.step_functions.fetcher.RECENT", 1)
    monkeypatch.setattr("pull.sync.OVERLAP", timedelta())
    machine = f"arn:aws:states:{REGION}:123456789012:stateMachine:sleeps"
    first, second = aws.start(machine, "first"), aws.start(machine, "second")
    wait_for_the_next_second()
    # So that no days of the past are left: each sync fetches what is new.
    source = set_up(aws, "step_functions", backfill_days=1)
    fetch(source)
    assert {shown(source)[arn][0] for arn in (first, second)} == {"RUNNING"}
    assert set(OpenRun.objects.values_list("key", flat=True)) == {first, second}
    assert still_running(source, "step_functions", monkeypatch) == (2, 0)
    wait_for_the_next_second()
    for arn in (first, second):
        aws.states.stop_execution(executionArn=arn)
    # A worker that ends before it has stored what it read forgets nothing.
    with monkeypatch.context() as patched:
        patched.setattr("pull.sync.store", out_of_order)
        assert fetch(source).outcome == "failed"
    assert OpenRun.objects.count() == 2
    OpenRun.objects.create(source=source, key=first.replace(REGION, "eu-west-2"))
    # They ended before this window, and the first one is not on the first page of the list.
    wait_for_the_next_second()
    PullSource.objects.filter(pk=source.pk).update(cursor=now() - timedelta(milliseconds=500))
    wait_for_the_next_second()
    assert fetch(source).outcome in ("ok", "partial")
    stopped = {one["executionArn"]: one["stopDate"] for one in aws.executions() if one["status"] == "ABORTED"}
    assert {arn: (shown(source)[arn][0], shown(source)[arn][2]) for arn in (first, second)} == {
        arn: ("ABORTED", stopped[arn]) for arn in (first, second)
    }
    assert not OpenRun.objects.exists()


def test_job_runs_and_workflow_runs(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pull.sources.glue.fetcher.RECENT", 2)
    workflow_run = aws.glue.start_workflow_run(Name="nightly")["RunId"]
    wait_for_the_next_second()
    source = set_up(aws, "glue", role_arn="arn:aws:iam::123456789012:role/reads", external_id="ours")
    done = fetch(source)
    assert (done.outcome, done.problems, done.reason) == ("ok", {}, "")
    runs = aws.glue.get_job_runs(JobName="etl")["JobRuns"]
    said = {run["Id"]: (STATES[run["JobRunState"]], run["StartedOn"], run["CompletedOn"]) for run in runs}
    assert len(said) == 5
    found = shown(source)
    assert found.pop(workflow_run)[0] == "RUNNING"
    assert found == said
    jobs = {job.name: job for job in Job.objects.filter(connection_id=source.connection_id)}
    assert jobs.keys() == {"etl", "idle", "workflow/nightly"}
    etl = jobs["etl"]
    assert (etl.namespace, etl.schedule) == (f"arn:aws:glue:{REGION}:123456789012", "cron(0 1 * * ? *)")
    assert (etl.owners, etl.tags, etl.description) == (["bob"], ["x:y"], "Loads")
    assert jobs["workflow/nightly"].description == "Every night"
    assert fetch_again(source).new_events == 0
    assert check(source, allowed=ALLOWED, now=now()).agrees
    assert still_running(source, "glue", monkeypatch) == (1, 0)
    # moto ends no workflow run: it is read again in each sync.
    assert OpenRun.objects.get().key == f"workflow:{workflow_run}:nightly"
