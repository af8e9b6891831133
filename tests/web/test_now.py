"""The page Now: problems of all connections by cause, filters in the URL, what recovered and what runs."""

import re
import uuid
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connections.models import Attempt, Connection
from lineage.models import Job, Run, RunState
from tests.lineage.settling import save_runs
from tests.web.rows import NOW, job_that_ran, make_activity, make_connection, save

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]

MINUTE = timedelta(minutes=1)


@pytest.fixture
def connection() -> Connection:
    connection = make_connection()
    make_activity(connection)
    return connection


def html_of(response: Any, status: int = 200) -> str:
    assert response.status_code == status
    return str(response.content.decode())


def text_of(html: str) -> str:
    # A name that may be cut stands in two parts.
    joined = html.replace("</span><span>", "")
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", joined)).split())


def rows(html: str) -> list[str]:
    """Return the text of each problem."""
    return [text_of(row) for row in re.findall(r'<tr id="problem-[^"]*">(.*?)</tr>', html, re.DOTALL)]


def runs_of(job: Job, *states: str, lasting: timedelta = MINUTE, before: timedelta = timedelta(hours=1)) -> None:
    """Save runs of a job, the latest last, an hour apart, the last one this long ago."""
    types = {"C": "COMPLETE", "F": "FAIL"}
    starts = [NOW - before - timedelta(hours=1) * number for number in range(len(states) - 1, -1, -1)]
    save_runs(
        Run(
            connection_id=job.connection_id,
            job=job,
            id=(id_ := uuid.uuid4()),
            run_id=id_,
            active=True,
            terminal_type=types.get(state),
            started_at=at,
            first_event_at=at,
            last_event_at=NOW if state == "R" else at + lasting,
            ended_at=at + lasting if state in types else None,
            error_message="KeyError: 'amount'" if state == "F" else None,
            event_count=2,
        )
        for at, state in zip(starts, states, strict=True)
    )


def new_job(connection: Connection, name: str, **fields: Any) -> Job:
    (made,) = Job.objects.bulk_create([job_that_ran(connection, name, **fields)])
    return made


def test_first_use_leads_to_adding_a_connection(as_viewer: Client, as_editor: Client) -> None:
    assert "Connect your first orchestrator" in html_of(as_editor.get("/"))
    assert "Ask an editor" in html_of(as_viewer.get("/"))


def test_all_well(as_viewer: Client, connection: Connection) -> None:
    runs_of(new_job(connection, "orders"), "C", "C", "C", "R", before=MINUTE)
    text = text_of(html_of(as_viewer.get("/")))
    assert "All well" in text
    assert "Running now 1 run" in text
    assert "orders 1 min of 1 min" in text


def test_a_failing_job_says_why_and_since_when(as_viewer: Client, connection: Connection) -> None:
    orders = new_job(connection, "orders", owners=["finance"])
    runs_of(orders, "C", "F", "F", "F")
    html = html_of(as_viewer.get("/"))
    (row,) = rows(html)
    assert row.startswith("Failing orders 1 Job · Airflow production KeyError: 'amount'")
    # The first of the three failed 3 h ago, and ended a minute later.
    assert "2 h ago 2026-03-02 09:01:00 UTC" in row
    assert row.endswith("F finance")
    assert f"/connections/{connection.pk}/jobs/{orders.id}" in html
    assert f"/connections/{connection.pk}/runs/{Job.objects.get().latest_run_sent_id}" in html
    assert "1 problem in 1 of 1 connection." in text_of(html)
    assert re.search(r'id="now-count".*?<span>1</span>', html, re.DOTALL)


def test_tasks_of_one_cause_unfold(as_viewer: Client, connection: Connection) -> None:
    dag, first, second = (job_that_ran(connection, name, RunState.FAILED) for name in ("shop", "shop.a", "shop.b"))
    first.kind = second.kind = "TASK"
    save([dag], "A task failed")
    save([first, second], "Boom.")
    Run.objects.exclude(job=dag).update(
        parent_run_id=dag.latest_run_id, parent_job_namespace="prod", parent_job_name="shop"
    )
    html = html_of(as_viewer.get("/"))
    (row,) = rows(html)
    assert "and 1 task" in row
    assert "in shop · Airflow production Boom." in row
    fold = re.findall(r'class="line-fold"[^>]*href="([^"]*)"', html)
    opened = text_of(html_of(as_viewer.get(unescape(fold[0]))))
    assert "same cause · in shop" in opened


def test_slow_runs(as_viewer: Client, connection: Connection) -> None:
    runs_of(new_job(connection, "slow"), "C", "C", "C", "R", lasting=10 * MINUTE, before=50 * MINUTE)
    runs_of(new_job(connection, "usual"), "C", "C", "C", "R", lasting=10 * MINUTE, before=49 * MINUTE)
    (row,) = rows(html_of(as_viewer.get("/")))
    assert row.startswith("Slow slow")
    assert "Running for 50 min, 5.0 times its median of 10 min" in row


def test_silent_and_refusing_connections(as_viewer: Client, connection: Connection) -> None:
    silent = make_connection("Old cron", "openlineage")
    make_activity(silent, at=NOW - timedelta(days=2))
    outcomes = [("stored", ""), ("rejected", "No runId"), ("rejected", "No job")]
    for number, (outcome, reason) in enumerate(outcomes):
        at = NOW - (3 - number) * MINUTE
        Attempt.objects.create(connection=connection, at=at, outcome=outcome, status=422, reason=reason)
    assert [row.split(" ago")[0] for row in rows(html_of(as_viewer.get("/")))] == [
        "Silent Old cron OpenLineage connection Silent for 2 days 2 days",
        "Refused Airflow production Airflow connection No job; the last 2 requests were refused 2 min",
    ]


def test_filters_are_in_the_url(as_viewer: Client, connection: Connection) -> None:
    save([job_that_ran(connection, name, RunState.FAILED, owners=[name]) for name in ("finance", "sales")], "Boom.")
    save([job_that_ran(connection, "gone", RunState.LOST, owners=["sales"])])
    Job.objects.filter(name="gone").update(latest_run_state=RunState.LOST)
    Run.objects.filter(job__name="gone").update(shown_state=RunState.LOST)

    def names(query: str) -> list[str]:
        return [row.split()[1] for row in rows(html_of(as_viewer.get(f"/{query}")))]

    assert sorted(names("")) == ["finance", "gone", "sales"]
    assert names("?kind=lost") == ["gone"]
    assert names("?owner=sales") == ["sales", "gone"]
    assert "All 2 Failing 1 Lost 1 Slow 0" in text_of(html_of(as_viewer.get("/?owner=sales")))
    assert "No problem matches" in html_of(as_viewer.get("/?owner=nobody"))
    wrong = text_of(html_of(as_viewer.get("/?kind=late"), 400))
    assert "kind : Not one of failing, lost, slow, silent, refused." in wrong
    assert rows(wrong) == []


def test_recovered_jobs(as_viewer: Client, connection: Connection) -> None:
    runs_of(new_job(connection, "orders"), "C", "F", "F", "C")
    runs_of(new_job(connection, "long ago"), "F", "C", before=timedelta(hours=30))
    text = text_of(html_of(as_viewer.get("/")))
    assert "Recovered today last 24 hours orders failed 2 times 59 min ago" in text
    assert "after 2 h" in text
    assert "long ago" not in text


def test_the_fragment_is_unchanged_until_something_happens(as_viewer: Client, connection: Connection) -> None:
    runs_of(new_job(connection, "orders"), "C", "F")
    fragment = {"HX-Request": "true", "HX-Target": "now"}
    etag = as_viewer.get("/", headers=fragment)["ETag"]
    assert as_viewer.get("/", headers={**fragment, "If-None-Match": etag}).status_code == 304
    runs_of(new_job(connection, "payments"), "F")
    assert as_viewer.get("/", headers={**fragment, "If-None-Match": etag}).status_code == 200
    count = html_of(as_viewer.get("/", headers={"HX-Request": "true", "HX-Target": "now-count"}))
    assert text_of(count) == "2 problems"


def test_as_many_queries_for_thirty_problems_as_for_one(as_viewer: Client, connection: Connection) -> None:
    def queries(jobs: int) -> int:
        for number in range(jobs):
            runs_of(new_job(connection, f"job {jobs} {number}"), "C", "F", "F")
        with CaptureQueriesContext(database) as found:
            html_of(as_viewer.get("/"))
        return len(found)

    assert queries(1) == queries(29)
