import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connections.models import Connection
from lineage.models import Job
from tests.api.rows import NOW, build_run, make_connection, make_job
from tests.lineage.settling import save_runs

Read = Callable[..., Any]


def ids(page: dict[str, Any]) -> list[str]:
    return [row["id"] for row in page["results"]]


def walk(api: Client, url: str | None, link: str = "next") -> list[dict[str, Any]]:
    pages = []
    while url:
        pages.append(api.get(url).json())
        url = pages[-1][link]
    return pages


def cursor(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.fixture
def connection(db: None) -> Connection:
    return make_connection()


@pytest.mark.parametrize("page_size", [100, 500])
def test_runs_that_share_one_time_are_each_listed_once_both_ways(
    connection: Connection, api: Client, page_size: int
) -> None:
    job = make_job(connection)
    runs = save_runs([build_run(job) for _ in range(1300)])
    newest_first = [str(id_) for id_ in sorted((run.id for run in runs), reverse=True)]
    forward = walk(api, f"/api/v1/connections/{connection.pk}/runs?page_size={page_size}")
    assert [id_ for page in forward for id_ in ids(page)] == newest_first
    assert [len(page["results"]) for page in forward[:-1]] == [page_size] * (len(forward) - 1)
    backward = walk(api, forward[-1]["previous"], "previous")
    assert [ids(page) for page in reversed(backward)] == [ids(page) for page in forward[:-1]]
    assert backward[0]["next"] is not None
    assert ids(api.get(backward[0]["next"]).json()) == ids(forward[-1])


def test_a_page_of_all_has_no_links(connection: Connection, read: Read) -> None:
    make_job(connection)
    page = read(f"connections/{connection.pk}/jobs", page_size=1)
    assert (len(page["results"]), page["next"], page["previous"]) == (1, None, None)


def test_a_page_holds_100_unless_told(connection: Connection, read: Read) -> None:
    job = make_job(connection)
    save_runs([build_run(job) for _ in range(501)])
    path = f"jobs/{job.id}/runs"
    assert [len(read(path)["results"]), len(read(path, page_size=500)["results"])] == [100, 500]


def test_links_keep_filters_and_page_size(connection: Connection, read: Read, api: Client) -> None:
    for n in range(5):
        make_job(connection, f"kept {n}", kind="TASK")
        make_job(connection, f"left out {n}", kind="DAG")
    page = read(f"connections/{connection.pk}/jobs", kind="TASK", page_size=2, search="kept")
    assert page["next"].startswith("http://testserver/api/v1/connections/")
    pages = [page, *walk(api, page["next"])]
    assert [[job["name"] for job in page["results"]] for page in pages] == [
        ["kept 0", "kept 1"],
        ["kept 2", "kept 3"],
        ["kept 4"],
    ]


def test_new_rows_do_not_move_a_page(connection: Connection, read: Read, api: Client) -> None:
    job = make_job(connection)
    save_runs([build_run(job, started_at=NOW - timedelta(minutes=n)) for n in range(4)])
    first = read(f"jobs/{job.id}/runs", page_size=2)
    expected = ids(api.get(first["next"]).json())
    save_runs([build_run(job, started_at=NOW + timedelta(minutes=n)) for n in range(1, 4)])
    assert ids(api.get(first["next"]).json()) == expected


def test_when_all_that_follows_is_gone_the_links_lead_back(connection: Connection, read: Read, api: Client) -> None:
    jobs = [make_job(connection, name) for name in "abcd"]
    first = read(f"connections/{connection.pk}/jobs", page_size=2)
    second = api.get(first["next"]).json()
    Job.objects.filter(id__in=[job.id for job in jobs[2:]]).delete()
    empty = api.get(first["next"]).json()
    assert (empty["results"], empty["next"]) == ([], None)
    assert ids(api.get(empty["previous"]).json()) == ids(first)
    Job.objects.all().delete()
    empty = api.get(second["previous"]).json()
    assert (empty["results"], empty["previous"]) == ([], None)
    assert api.get(empty["next"]).json()["results"] == []


@pytest.mark.parametrize("size", ["0", "-1", "501", "1.5", "ten", " ", "٣", "9" * 5000])
def test_a_page_size_that_is_none_is_refused(connection: Connection, read: Read, size: str) -> None:
    error = read("connections", 400, page_size=size)["error"]
    assert error["detail"] == {"page_size": ["A page holds 1 to 500 results."]}


@pytest.mark.parametrize(
    "text",
    [
        "!",
        "é",
        "A",
        cursor("not JSON"),
        cursor("[" * 50_000),
        cursor([]),
        cursor({"backward": True}),
        cursor([False, []]),
        cursor([False, ["2026-03-02T12:00:00+00:00"]]),
        cursor([False, ["2026-03-02T12:00:00+00:00", str(UUID(int=1)), "more"]]),
        cursor([False, ["2026-03-02T12:00:00", str(UUID(int=1))]]),
        cursor([False, ["0001-01-01T00:00:00+23:59", str(UUID(int=1))]]),
        cursor([False, ["2026-13-02T12:00:00+00:00", str(UUID(int=1))]]),
        cursor([False, ["2026-03-02T12:00:00+00:00", "1"]]),
        cursor([False, ["orders", str(UUID(int=1))]]),
        cursor([0, ["2026-03-02T12:00:00+00:00", str(UUID(int=1))]]),
        cursor([False, [1, 2]]),
    ],
)
def test_a_cursor_that_is_none_is_refused(connection: Connection, read: Read, text: str) -> None:
    error = read(f"connections/{connection.pk}/runs", 400, cursor=text)["error"]
    assert error == {
        "code": "invalid",
        "message": "Wrong query parameter: cursor.",
        "detail": {"cursor": ["This is no cursor of this list."]},
    }


@pytest.mark.parametrize("text", ["\0", "a\0b"])
def test_a_cursor_with_text_that_the_database_cannot_hold_is_refused(
    connection: Connection, read: Read, text: str
) -> None:
    read("connections", 400, cursor=cursor([False, [text, str(UUID(int=1))]]))
    read("connections", 400, cursor=cursor(r'[false,["\ud800","' + str(UUID(int=1)) + '"]]'))


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59.999999+00:00"])
def test_a_cursor_at_either_end_of_time_is_one(connection: Connection, read: Read, time: str) -> None:
    read(f"connections/{connection.pk}/runs", cursor=cursor([False, [time, str(UUID(int=1))]]))


def test_the_index_serves_deep_pages(connection: Connection, api: Client) -> None:
    """The plan of a page in the middle: no sort, and the cursor's place is found by the index."""
    job = make_job(connection)
    others = make_job(make_connection("another"))
    for owner, count in ((job, 3000), (others, 3000)):
        save_runs([build_run(owner, started_at=NOW - timedelta(minutes=n)) for n in range(count)])
    with database.cursor() as db:
        db.execute("ANALYZE lineage_run")
    for path, index in (
        (f"/api/v1/connections/{connection.pk}/runs", "lineage_run_newest"),
        (f"/api/v1/jobs/{job.id}/runs", "lineage_run_newest"),
    ):
        for link in ("next", "previous"):
            middle = walk_some(api, path, 5)[link]
            with CaptureQueriesContext(database) as queries:
                api.get(middle)
            # Django does not know the text of what is prepared.
            [sql] = [query["sql"] for query in queries if 'FROM "lineage_run"' in (query["sql"] or "")]
            with database.cursor() as db:
                db.execute(f"EXPLAIN {sql}")
                plan = "\n".join(row[0] for row in db.fetchall())
            assert index in plan, plan
            assert "ROW(run_at, id)" in plan.split("Index Cond", 1)[1].splitlines()[0], plan
            assert "Sort" not in plan, plan


def walk_some(api: Client, url: str, pages: int) -> dict[str, Any]:
    page: dict[str, Any] = {}
    for _ in range(pages):
        page = api.get(url).json()
        url = page["next"]
    return page
