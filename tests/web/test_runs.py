"""The Runs page: every run that the reader may see, what narrows them, and pages that new rows do not move."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connections.models import Connection
from lineage.models import Job, Run
from tests.api.rows import NOW, build_run, make_job
from tests.lineage.settling import save_runs
from tests.web.rows import make_connection
from web.templatetags.observatory import NOTHING

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]

FRAGMENT = {"HX-Request": "true", "HX-Target": "runs"}
MINUTE = timedelta(minutes=1)


def add_run(job: Job, ago: timedelta = MINUTE, lasts: timedelta | None = MINUTE, **fields: Any) -> Run:
    """Save a run, completed unless fields say otherwise, or still running if `lasts` is None."""
    started_at = NOW - ago
    if lasts is None:
        fields = {"terminal_type": None, "ended_at": None, **fields}
    [run] = save_runs(
        [build_run(job, **{"started_at": started_at, "ended_at": started_at + (lasts or MINUTE), **fields})]
    )
    return run


def get(client: Client, query: str = "", **headers: str) -> Any:
    return client.get(f"/runs{query}", headers=headers)


def html_of(response: Any, *, status: int = 200) -> str:
    assert response.status_code == status
    return str(response.content.decode())


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def rows(response: Any) -> list[str]:
    return [text_of(row) for row in re.findall(r'<tr id="run-.*?</tr>', html_of(response), re.DOTALL)]


def jobs(response: Any) -> list[str]:
    return [unescape(name) for name in re.findall(r'class="line-name"[^>]*aria-label="([^"]*)"', html_of(response))]


def link(response: Any, rel: str) -> str | None:
    found = re.findall(rf'rel="{rel}" href="([^"]*)"', html_of(response))
    return unescape(found[0]) if found else None


def follow(client: Client, response: Any, rel: str) -> Any:
    to = link(response, rel)
    assert to, f"no link: {rel}"
    return client.get(to)


def test_a_row_says_state_job_times_and_attempt(as_viewer: Client) -> None:
    job = make_job(make_connection("Airflow"), "orders", kind="DAG")
    add_run(job, 2 * MINUTE, timedelta(seconds=80), attempt=2, max_attempts=3)
    (row,) = rows(get(as_viewer))
    assert row.startswith(
        "Completed orders DAG · Airflow 2 min ago 2026-03-02 11:58:00 UTC just now 2026-03-02 11:59:20"
    )
    assert row.endswith("UTC 1 min 20 s 2 of 3")


def test_a_try_beyond_those_that_were_said_stands_alone(as_viewer: Client) -> None:
    """Airflow goes on counting the tries of a task that somebody cleared."""
    add_run(make_job(make_connection()), 2 * MINUTE, timedelta(seconds=80), attempt=4, max_attempts=3)
    (row,) = rows(get(as_viewer))
    assert row.endswith(" 1 min 20 s 4")


def test_a_row_leads_to_its_run(as_viewer: Client) -> None:
    run = add_run(make_job(make_connection("Airflow"), "orders"))
    path = f"/connections/{run.connection_id}/runs/{run.id}"
    assert re.findall(r'class="line-name" href="([^"]*)"', html_of(get(as_viewer))) == [path]
    assert f'href="/connections/{run.connection_id}/jobs/{run.job_id}"' in html_of(as_viewer.get(path))


def test_a_failed_run_says_why_and_a_running_one_for_how_long(as_viewer: Client) -> None:
    job = make_job(make_connection())
    add_run(
        job, 9 * MINUTE, terminal_type="FAIL", error_message="Traceback (most recent call last):\n  x\nKeyError: <1>"
    )
    add_run(job, 5 * MINUTE, None)
    running, failed = rows(get(as_viewer))
    assert "KeyError: <1>" in failed
    assert running.startswith("Running")
    assert f" 5 min {NOTHING}" in running


def test_runs_of_all_connections_the_newest_first(as_viewer: Client) -> None:
    one, two = make_connection("One"), make_connection("Two")
    add_run(make_job(one, "old"), 3 * MINUTE)
    add_run(make_job(two, "new"), 1 * MINUTE)
    add_run(make_job(one, "startless"), started_at=None, ended_at=NOW, first_event_at=NOW - 2 * MINUTE)
    removed = Connection.objects.create(name="Gone", type="dbt", created_at=NOW, removed_at=NOW)
    add_run(make_job(removed, "gone"))
    response = get(as_viewer)
    assert jobs(response) == ["new", "startless", "old"]
    assert "2 min ago 2026-03-02 11:58:00 UTC no START" in rows(response)[1]
    assert "unknown" in rows(response)[1]


@pytest.fixture
def mixed() -> Connection:
    airflow, dbt = make_connection("Airflow"), make_connection("dbt", "dbt")
    add_run(make_job(airflow, "shop.load orders", kind="TASK"), 5 * MINUTE, terminal_type="FAIL")
    add_run(make_job(airflow, "shop", kind="DAG"), 2 * 60 * MINUTE, None)
    add_run(make_job(dbt, "model orders", kind="MODEL"), 3 * 24 * 60 * MINUTE, 20 * MINUTE)
    add_run(make_job(dbt, "100%_done", kind="TEST"), 40 * 24 * 60 * MINUTE, terminal_type="ABORT")
    return dbt


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?state=FAILED", ["shop.load orders"]),
        ("?state=RUNNING", ["shop"]),
        ("?state=UNKNOWN", []),
        ("?connection={dbt}", ["model orders", "100%_done"]),
        ("?connection={dbt}&state=FAILED", []),
        ("?kind=DAG", ["shop"]),
        ("?q=ORDERS", ["shop.load orders", "model orders"]),
        ("?q=orders+shop", ["shop.load orders"]),
        ("?q=%25_", ["100%_done"]),
        ("?range=1h", ["shop.load orders"]),
        ("?range=24h", ["shop.load orders", "shop"]),
        ("?range=7d&kind=MODEL", ["model orders"]),
        ("?from=2026-03-02T09:00&to=2026-03-02T11:55", ["shop"]),
        ("?from=2026-03-02T13:55%2B02:00", ["shop.load orders"]),
        ("?min=600", ["shop", "model orders"]),
        ("?min=3600", ["shop"]),
        ("?min=60&state=FAILED", ["shop.load orders"]),
        ("?from=0001-01-01T00:00%2B14:00&to=9999-12-31T23:59-14:00&q=shop", ["shop.load orders", "shop"]),
    ],
)
def test_filters(as_viewer: Client, mixed: Connection, query: str, expected: list[str]) -> None:
    assert jobs(get(as_viewer, query.format(dbt=mixed.pk))) == expected


def test_more_jobs_than_are_named_one_by_one(as_viewer: Client) -> None:
    connection = make_connection()
    for number in range(201):
        make_job(connection, f"orders {number}")
    add_run(Job.objects.get(name="orders 200"))
    add_run(make_job(connection, "other"))
    assert jobs(get(as_viewer, "?q=orders")) == ["orders 200"]


def chips(response: Any) -> list[str]:
    return [text_of(chip) for chip in re.findall(r'<a class="chip".*?</a>', html_of(response), re.DOTALL)]


def test_the_states_say_how_many_runs_the_other_choices_leave(
    as_viewer: Client, mixed: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert chips(get(as_viewer)) == ["All 4", "Running 1", "Completed 1", "Failed 1", "Aborted 1"]
    of_dbt = f"?connection={mixed.pk}&state=FAILED"
    assert chips(get(as_viewer, of_dbt)) == ["All 2", "Completed 1", "Failed 0", "Aborted 1"]
    # Not where each run would have to be looked at.
    assert chips(get(as_viewer, "?q=orders"))[:3] == ["All", "Running", "Completed"]
    monkeypatch.setattr("web.runs.table.MOST_COUNTED", 1)
    add_run(make_job(mixed, "again"))
    assert {"All 4+", "Completed 1+"} <= set(chips(get(as_viewer)))


def test_pages_that_new_runs_do_not_move(as_viewer: Client) -> None:
    """All runs took place at one time, and two connections hold equal ids."""
    one, two = make_connection("One"), make_connection("Two")
    job, twin = make_job(one), make_job(two)
    runs = [build_run(job) for _ in range(60)]
    save_runs([*runs, *(build_run(twin, id=run.id) for run in runs)])
    first = get(as_viewer, "?min=60")
    assert (link(first, "prev"), link(first, "first")) == (None, None)
    second = follow(as_viewer, first, "next")
    third = follow(as_viewer, second, "next")
    shown = [rows(page) for page in (first, second, third)]
    ids = [re.findall(r'<tr id="(run-[^"]*)"', html_of(page)) for page in (first, second, third)]
    assert [len(page) for page in shown] == [50, 50, 20]
    assert len({id_ for page in ids for id_ in page}) == 120
    assert link(third, "next") is None
    add_run(job, -MINUTE)
    assert re.findall(r'<tr id="(run-[^"]*)"', html_of(follow(as_viewer, third, "prev"))) == ids[1]
    assert re.findall(r'<tr id="(run-[^"]*)"', html_of(follow(as_viewer, second, "prev"))) == ids[0]
    newest = follow(as_viewer, third, "first")
    assert rows(newest)[0].startswith("Completed orders")
    assert re.findall(r'<tr id="(run-[^"]*)"', html_of(newest))[1:] == ids[0][:49]


def test_no_run_yet(as_viewer: Client) -> None:
    assert "No runs yet" in text_of(html_of(get(as_viewer)))


def test_no_run_matches(as_viewer: Client, mixed: Connection) -> None:
    text = text_of(html_of(get(as_viewer, "?q=zzz&state=FAILED")))
    assert "No run matches None under these filters is of a job with “zzz” in its name. Show all runs" in text
    assert "None is left under these filters." in text_of(html_of(get(as_viewer, "?state=UNKNOWN")))


def test_choices_stay_in_the_form(as_viewer: Client, mixed: Connection) -> None:
    html = html_of(get(as_viewer, f"?connection={mixed.pk}&range=7d&min=60&kind=MODEL&q=or&from=2026-03-01T00:00"))
    assert f'<option value="{mixed.pk}" selected>' in html
    for value in ("7d", "60", "MODEL"):
        assert f'<option value="{value}" selected>' in html
    assert 'name="q" value="or"' in html
    assert 'name="from" value="2026-03-01T00:00"' in html


def test_runs_of_one_name(as_viewer: Client, mixed: Connection) -> None:
    name = "manual__2026-03-02T12:00:00+00:00"
    add_run(make_job(mixed, "dag"), 2 * MINUTE, orchestrator_run_id=name)
    add_run(make_job(mixed, "daily"), terminal_type="FAIL", orchestrator_run_id=name)
    query = "?orchestrator_run_id=manual__2026-03-02T12%3A00%3A00%2B00%3A00"
    response = get(as_viewer, query)
    assert f"· {name}" in rows(response)[0]
    assert jobs(response) == ["daily", "dag"]
    assert jobs(get(as_viewer, f"{query}&q=dag")) == ["dag"]
    assert jobs(get(as_viewer, f"{query}0")) == jobs(get(as_viewer, "?orchestrator_run_id=manual__%00")) == []
    html = html_of(get(as_viewer, f"{query}&state=FAILED"))
    assert f'name="orchestrator_run_id" value="{name}"' in html
    # It can be taken away, and the rest stays.
    assert re.findall(r'class="chip run-called" href="([^"]*)"', html) == ["/runs?state=FAILED"]


def test_who_may_see_it(client: Client, as_viewer: Client) -> None:
    assert get(client)["Location"] == "/sign-in?next=/runs"
    assert as_viewer.post("/runs").status_code == 405


def test_the_region_alone_with_its_etag(as_viewer: Client, mixed: Connection) -> None:
    fragment = get(as_viewer, "?state=FAILED", **FRAGMENT)
    html = html_of(fragment)
    assert html.lstrip().startswith('<div id="runs"')
    assert 'hx-get="/runs?state=FAILED"' in html
    assert "<html" not in html
    again = get(as_viewer, "?state=FAILED", **FRAGMENT, **{"If-None-Match": fragment["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    add_run(make_job(mixed, "new"), terminal_type="FAIL")
    assert get(as_viewer, "?state=FAILED", **FRAGMENT, **{"If-None-Match": fragment["ETag"]}).status_code == 200


@pytest.mark.parametrize("query", ["", "?q=job&min=60&range=7d"])
def test_the_number_of_queries_does_not_grow_with_the_rows(as_viewer: Client, query: str) -> None:
    def queries(amount: int) -> int:
        connection = make_connection(f"With {amount}")
        for number in range(amount):
            add_run(make_job(connection, f"job {amount}.{number}"), terminal_type="FAIL", error_message="Boom.")
        with CaptureQueriesContext(database) as found:
            assert len(rows(get(as_viewer, query))) >= amount
        return len(found)

    assert queries(1) == queries(29)
