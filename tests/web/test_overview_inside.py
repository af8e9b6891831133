"""The job table of Overview: what folds under what, strips of runs, medians, filters by owner and tag."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connections.models import Connection
from lineage.models import Job, Run, RunState
from tests.lineage.settling import save_runs, settle_rows
from tests.web.rows import (
    NOW,
    TERMINAL_TYPES,
    job,
    job_that_ran,
    make_activity,
    make_connection,
    save,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]


@pytest.fixture
def connection() -> Connection:
    connection = make_connection()
    make_activity(connection)
    return connection


def html_of(client: Client, connection: Connection, query: str = "") -> str:
    response = client.get(f"/connections/{connection.pk}{query}")
    assert response.status_code == 200
    return response.content.decode()


def names(html: str) -> list[str]:
    return [unescape(name) for name in re.findall(r'job-name"[^>]*><span class="middle" title="([^"]*)"', html)]


def folds(html: str) -> list[str]:
    """Return the text by which each row with jobs inside sums them up."""
    found = re.findall(r'class="line-fold job-fold"[^>]*>(.*?)</a>', html, re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]*>", "", text)).split()) for text in found]


def test_a_task_that_never_ran_says_when_it_did_not(as_viewer: Client, connection: Connection) -> None:
    never: dict[str, Any] = {"started_at": None, "ended_at": None}
    skips = job_that_ran(connection, "skips", RunState.SKIPPED, **never)
    save([skips, job_that_ran(connection, "unheard", RunState.UNKNOWN, **never)])
    rows = re.findall(r'<tr id="job-.*?</tr>', html_of(as_viewer, connection), re.DOTALL)
    said = {row.split()[1]: row for row in (" ".join(unescape(re.sub("<[^>]*>", " ", row)).split()) for row in rows)}
    assert "just now 2026-03-02 12:00:00 UTC never ran \N{EN DASH} \N{EN DASH} " in said["skips"]
    assert "just now 2026-03-02 12:00:00 UTC no START \N{EN DASH} unknown " in said["unheard"]


def inside(parent: Job, name: str, state: str = RunState.COMPLETED, kind: str = "TASK", **fields: Any) -> Job:
    return job_that_ran(parent.connection, name, state, kind=kind, parent_job_id=parent.id, **fields)


@pytest.fixture
def dags(connection: Connection) -> dict[str, Job]:
    """Two DAGs with tasks, a model with its tests; one of those has a query of its own."""
    saved = save(
        [
            job_that_ran(connection, "fine", kind="DAG", started_at=NOW - timedelta(minutes=1)),
            job_that_ran(connection, "shop", kind="DAG", started_at=NOW - timedelta(days=1)),
            job_that_ran(connection, "model", kind="MODEL", parent_job_id=uuid4()),
        ]
    )
    fine, shop, model = saved
    test = inside(model, "test", kind="TEST")
    saved += save(
        [
            inside(fine, "fine.load"),
            inside(shop, "shop.fails", RunState.FAILED),
            inside(shop, "shop.runs", RunState.RUNNING),
            test,
            inside(test, "test.sql.1", kind="SQL"),
            job_that_ran(connection, "orphan.task", kind="TASK", parent_job_id=uuid4()),
            job_that_ran(connection, "started by shop", kind="APPLICATION", parent_job_id=shop.id),
        ],
        error_message="Boom.",
    )
    return {one.name: one for one in saved}


def test_tasks_fold_under_their_dag_and_failing_ones_bring_it_first(
    as_viewer: Client, connection: Connection, dags: dict[str, Job]
) -> None:
    html = html_of(as_viewer, connection)
    assert names(html) == ["shop", "fine", "model", "orphan.task", "started by shop"]
    assert folds(html) == ["2 inside, 1 failing shop", "1 inside fine", "1 inside model"]
    assert "5 jobs, with 5 inside them" in " ".join(html.split())
    assert names(html_of(as_viewer, connection, "?sort=-name"))[0] == "started by shop"


def test_a_dag_whose_task_was_lost_stands_before_what_runs(as_viewer: Client, connection: Connection) -> None:
    shop, _ = save(
        [
            job_that_ran(connection, "shop", kind="DAG"),
            job_that_ran(connection, "runs", RunState.RUNNING, started_at=NOW - timedelta(hours=40)),
        ]
    )
    (task,) = save([inside(shop, "shop.load", RunState.RUNNING, started_at=NOW - timedelta(hours=30))])
    assert names(html_of(as_viewer, connection)) == ["runs", "shop"]
    assert task.latest_run_id
    Run.objects.filter(id=task.latest_run_id).update(last_event_at=NOW - timedelta(hours=30))
    settle_rows(connection.pk)
    assert names(html_of(as_viewer, connection)) == ["shop", "runs"]
    assert names(html_of(as_viewer, connection, f"?open={shop.id}")) == ["shop", "shop.load", "runs"]


def test_a_click_unfolds_and_another_folds_again(
    as_viewer: Client, connection: Connection, dags: dict[str, Job]
) -> None:
    html = html_of(as_viewer, connection)
    (link,) = re.findall(rf'id="fold-{dags["shop"].id}" href="([^"]*)"\s+aria-expanded="false"', html)
    opened = as_viewer.get(unescape(link)).content.decode()
    assert names(opened)[:3] == ["shop", "shop.fails", "shop.runs"]
    assert "Boom." in opened
    (back,) = re.findall(rf'id="fold-{dags["shop"].id}" href="([^"]*)"\s+aria-expanded="true"', opened)
    assert names(as_viewer.get(unescape(back)).content.decode()) == names(html)


def test_what_is_inside_may_contain_more(as_viewer: Client, connection: Connection, dags: dict[str, Job]) -> None:
    html = html_of(as_viewer, connection, f"?open={dags['model'].id},{dags['test'].id}")
    shown = names(html)
    assert shown[shown.index("model") :][:3] == ["model", "test", "test.sql.1"]
    assert f'<tr id="job-{dags["test.sql.1"].id}" class="job-inside job-inside-2">' in html


def test_jobs_inside_each_other_come_to_an_end(as_viewer: Client, connection: Connection) -> None:
    top, one, other = job(connection, "top"), job(connection, "one", kind="TASK"), job(connection, "other", kind="TASK")
    one.parent_job_id, other.parent_job_id = top.id, one.id
    looped = job(connection, "looped", kind="TASK")
    looped.parent_job_id = looped.id
    save([top, one, other, looped])
    opened = ",".join(str(each.id) for each in (top, one, other, looped))
    assert names(html_of(as_viewer, connection, f"?open={opened}")) == ["top", "one", "other"]


@pytest.mark.parametrize("query", ["?state=FAILED", "?kind=TASK&q=fails", "?q=shop.fails"])
def test_what_was_searched_for_stands_by_itself(
    as_viewer: Client, connection: Connection, dags: dict[str, Job], query: str
) -> None:
    html = html_of(as_viewer, connection, query)
    assert names(html) == ["shop.fails"]
    assert folds(html) == []


def test_filters_by_namespace(as_viewer: Client, connection: Connection) -> None:
    save([job(connection, "a"), job(connection, "b", kind="TASK")])
    assert 'name="namespace"' not in html_of(as_viewer, connection)
    save([job(connection, "a of staging", namespace="staging"), job(connection, "c", namespace="<eu>", kind="TASK")])
    titles = options(html_of(as_viewer, connection), "namespace")
    assert titles == ["All namespaces", "<eu> (1)", "prod (2)", "staging (1)"]
    html = html_of(as_viewer, connection, "?namespace=staging")
    assert names(html) == ["a of staging"]
    assert '<option value="staging" selected>' in html
    # Other choices keep it, and can be kept beside it.
    assert "?state=NONE&amp;namespace=staging" in html
    assert names(html_of(as_viewer, connection, "?namespace=%3Ceu%3E&kind=TASK&q=C")) == ["c"]
    assert names(html_of(as_viewer, connection, "?namespace=prod&kind=DAG")) == []


def test_a_namespace_that_was_chosen_can_be_taken_back(as_viewer: Client, connection: Connection) -> None:
    save([job(connection, "a")])
    html = html_of(as_viewer, connection, "?namespace=PROD&q=a&sort=name")
    assert "None has “a” in its name under these filters" in " ".join(html.split())
    assert options(html, "namespace") == ["All namespaces", "prod (1)", "PROD (0)"]
    assert f'href="/connections/{connection.pk}?sort=name"' in html
    assert options(html_of(as_viewer, connection, "?namespace=prod"), "namespace") == ["All namespaces", "prod (1)"]


def options(html: str, name: str) -> list[str]:
    (select,) = re.findall(rf'<select [^>]*name="{name}"[^>]*>(.*?)</select>', html, re.DOTALL)
    return [unescape(title) for title in re.findall(r"<option[^>]*>([^<]*)</option>", select)]


def test_filters_by_owner_and_tag(as_viewer: Client, connection: Connection) -> None:
    save(
        [
            job(connection, "a", owners=["data", "ops"], tags=["tier:1"]),
            job(connection, "b", owners=["data"], tags=["tier:1", "<pii>"]),
            job(connection, "c"),
        ]
    )
    html = html_of(as_viewer, connection)
    assert options(html, "owner") == ["All owners", "data (2)", "ops (1)"]
    assert options(html, "tag") == ["All tags", "<pii> (1)", "tier:1 (2)"]
    assert names(html_of(as_viewer, connection, "?owner=ops")) == ["a"]
    assert names(html_of(as_viewer, connection, "?tag=%3Cpii%3E&owner=data")) == ["b"]
    assert "No job matches" in html_of(as_viewer, connection, "?owner=nobody")


def add_runs(of: Job, *states: str, seconds: int = 60) -> None:
    """Save runs of these states, in this order, before the job's latest run."""
    save_runs(
        Run(
            connection_id=of.connection_id,
            id=uuid4(),
            job=of,
            active=True,
            terminal_type=TERMINAL_TYPES.get(RunState(state)),
            started_at=(at := NOW - timedelta(days=len(states) - number)),
            ended_at=at + timedelta(seconds=seconds) if state in TERMINAL_TYPES else None,
            first_event_at=at,
            last_event_at=at,
            event_count=2,
        )
        for number, state in enumerate(states)
    )


def test_the_strip_tells_how_many_runs_failed(as_viewer: Client, connection: Connection) -> None:
    orders, _ = save([job_that_ran(connection), job_that_ran(connection, "never", started_at=NOW - timedelta(days=20))])
    add_runs(orders, "FAILED", *["COMPLETED"] * 12)
    html = html_of(as_viewer, connection)
    found = re.findall(r'class="days-strip"[^>]*aria-label="([^"]*)".*?class="days-count"[^>]*>(.*?)</span>', html)
    assert [(words, re.sub("<[^>]*>", "", count)) for words, count in found] == [
        ("Failed runs in the last 14 days: 1 of 14", "1 of 14"),
        ("No runs in 14 days", "no runs"),
    ]


def test_the_median_stands_beside_the_duration(as_viewer: Client, connection: Connection) -> None:
    orders, young = save([job_that_ran(connection), job_that_ran(connection, "young")])
    add_runs(orders, *["COMPLETED"] * 4, "FAILED", seconds=75)
    add_runs(young, "FAILED", "COMPLETED")
    html = html_of(as_viewer, connection)
    assert re.findall(r'line-second">([^<]*)<', html) == ["median 1 min 15 s"]
    assert "Slow: took 10 min, 8.0 times its median of 1 min 15 s" in html


def test_the_number_of_queries_does_not_grow_with_what_is_inside(as_viewer: Client) -> None:
    def queries(inner: int) -> int:
        connection = make_connection(f"With {inner}")
        make_activity(connection)
        tops = save(job_that_ran(connection, f"dag {number}", kind="DAG", owners=["o"]) for number in range(3))
        save(
            (inside(top, f"{top.name}.{number}", RunState.FAILED) for top in tops for number in range(inner)),
            error_message="Boom.",
        )
        with CaptureQueriesContext(database) as queries:
            html = html_of(as_viewer, connection, "?open=" + ",".join(str(top.id) for top in tops))
        assert len(names(html)) == 3 + 3 * inner
        return len(queries)

    assert queries(10) == queries(1)
