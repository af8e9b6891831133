"""A connection's Overview: what its figures and its job table say, and that the URL holds what the reader chose."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections.models import Connection
from lineage.models import Job, RunState
from tests.web.rows import (
    NOW,
    job,
    job_that_ran,
    make_activity,
    make_connection,
    save,
)
from web.templatetags.observatory import NOTHING

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]

FRAGMENT = {"HX-Request": "true", "HX-Target": "overview"}


@pytest.fixture
def connection() -> Connection:
    connection = make_connection()
    make_activity(connection)
    return connection


def get(client: Client, connection: Connection, query: str = "", **headers: str) -> Any:
    return client.get(f"/connections/{connection.pk}{query}", headers=headers)


def html_of(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


def names(response: Any) -> list[str]:
    return [unescape(name) for name in re.findall(r'job-name"[^>]*><span[^>]* title="([^"]*)"', html_of(response))]


def text_of(response: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html_of(response))).split())


def row_text(response: Any, job: Job) -> str:
    (row,) = re.findall(rf'<tr id="job-{job.id}">(.*?)</tr>', html_of(response), re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", row)).split())


def ago(**duration: float) -> Any:
    return NOW - timedelta(**duration)


# --- Rows ---------------------------------------------------------------------------------------------------


def test_a_row_says_state_times_and_duration(as_viewer: Client, connection: Connection) -> None:
    (orders,) = save([job_that_ran(connection, started_at=ago(hours=2), ended_at=ago(minutes=116, seconds=40))])
    row = row_text(get(as_viewer, connection), orders)
    assert row.startswith("Completed orders Job 0 of 1 2 h ago 2026-03-02 10:00:00 UTC 1 h ago 2026-03-02 10:03:20 UTC")
    assert row.endswith("3 min 20 s 0")


def test_a_running_job_says_for_how_long(as_viewer: Client, connection: Connection) -> None:
    (orders,) = save([job_that_ran(connection, state=RunState.RUNNING, started_at=ago(minutes=12, seconds=5))])
    row = row_text(get(as_viewer, connection), orders)
    assert row.startswith("Running orders Job 0 of 1 12 min ago")
    assert row.endswith("12 min 5 s 1")


@pytest.mark.parametrize(
    "times",
    [
        {"started_at": None},
        {"started_at": ago(minutes=1), "ended_at": ago(minutes=2)},
        {"state": RunState.RUNNING, "started_at": None},
        {"state": RunState.RUNNING, "started_at": NOW + timedelta(minutes=1)},
        {"state": RunState.UNKNOWN, "started_at": ago(minutes=1)},
    ],
    ids=["no start", "ended before it started", "running without start", "starts in the future", "no state"],
)
def test_a_duration_that_is_not_known_is_not_invented(
    as_viewer: Client, connection: Connection, times: dict[str, Any]
) -> None:
    (orders,) = save([job_that_ran(connection, **times)])
    assert " unknown " in row_text(get(as_viewer, connection), orders)


def test_a_job_that_never_ran(as_viewer: Client, connection: Connection) -> None:
    (orders,) = save([job(connection)])
    assert (
        row_text(get(as_viewer, connection), orders) == f"No run yet orders Job no runs {NOTHING} {NOTHING} {NOTHING} 0"
    )


def test_a_failed_job_says_why(as_viewer: Client, connection: Connection) -> None:
    failed, ended = save(
        [job_that_ran(connection, "failed", RunState.FAILED), job_that_ran(connection, "ended")],
        error_message="relation <b>orders</b> does not exist\nLINE 1",
    )
    response = get(as_viewer, connection)
    assert "relation <b>orders</b> does not exist LINE 1" in row_text(response, failed)
    assert "&lt;b&gt;orders&lt;/b&gt;" in html_of(response)
    assert "relation" not in row_text(response, ended)


CHAINED = """Traceback (most recent call last):
  one
KeyError: 1

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  two
shop.LoadError: two
DETAIL"""


@pytest.mark.parametrize(
    ("message", "headline"),
    [
        ("Boom.\nat line 3", "Boom."),
        ("\n\n  Boom.", "Boom."),
        ('Traceback (most recent call last):\n  File "a.py", line 1\n    x\nValueError: no\n', "ValueError: no"),
        (CHAINED, "shop.LoadError: two"),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
    ],
)
def test_the_headline_of_an_error_is_its_telling_line(
    as_viewer: Client, connection: Connection, message: str, headline: str
) -> None:
    save([job_that_ran(connection, state=RunState.FAILED)], error_message=message)
    html = html_of(get(as_viewer, connection))
    (found,) = re.findall(r'class="job-error(?: line-why" title="[^"]*|-headline)">([^<]*)<', html)
    assert unescape(found) == headline


@pytest.mark.parametrize(
    ("message", "headline", "unfolds"),
    [
        ("task_failure", "A task failed", False),
        (" Boom.\n", "Boom.", False),
        ("Boom.\nat line 3", "Boom.", True),
        ("task_failure\nat line 3", "A task failed", True),
        # It is cut, that it takes one line.
        ("Boom. " * 20, ("Boom. " * 20).strip(), True),
    ],
)
def test_an_error_unfolds_where_there_is_more_to_see(
    as_viewer: Client, connection: Connection, message: str, headline: str, unfolds: bool
) -> None:
    save([job_that_ran(connection, state=RunState.FAILED)], error_message=message)
    html = html_of(get(as_viewer, connection))
    assert headline in html
    assert ('<details class="job-error line-why"' in html) == unfolds
    assert ("task_failure" in html) == (unfolds and "task_failure" in message)


def test_a_link_to_the_latest_run_says_its_state_in_words(as_viewer: Client, connection: Connection) -> None:
    save([job_that_ran(connection, "orders", RunState.UPSTREAM_FAILED)])
    assert 'aria-label="Latest run of orders: upstream failed"' in html_of(get(as_viewer, connection))


def test_the_namespace_stands_there_only_where_it_tells_jobs_apart(as_viewer: Client, connection: Connection) -> None:
    save([job_that_ran(connection, "a"), job_that_ran(connection, "b")])
    assert " · prod" not in text_of(get(as_viewer, connection))
    save([job_that_ran(connection, "b", namespace="staging")])
    text = text_of(get(as_viewer, connection))
    assert "a Job · prod" in text
    assert "b Job · staging" in text


def test_only_the_jobs_of_this_connection(as_viewer: Client, connection: Connection) -> None:
    other = make_connection("Other")
    save([job_that_ran(other, "theirs", RunState.FAILED), job_that_ran(connection, "ours")], error_message="theirs")
    response = get(as_viewer, connection)
    assert names(response) == ["ours"]
    assert "theirs" not in html_of(response)


# --- Order, filters, search, pages --------------------------------------------------------------------------


def test_failing_first_then_the_longest_running_then_the_latest(as_viewer: Client, connection: Connection) -> None:
    save(
        [
            job(connection, "never"),
            job_that_ran(connection, "old", started_at=ago(days=2)),
            job_that_ran(connection, "new", started_at=ago(minutes=1)),
            job_that_ran(connection, "runs", RunState.RUNNING, started_at=ago(hours=1)),
            job_that_ran(connection, "runs for long", RunState.RUNNING, started_at=ago(days=1)),
            job_that_ran(connection, "runs beside", started_at=ago(days=3), running_runs=2),
            job_that_ran(connection, "lost", RunState.LOST, started_at=ago(days=4)),
            job_that_ran(connection, "lost long ago", RunState.LOST, started_at=ago(days=5)),
            job_that_ran(connection, "failed long ago", RunState.FAILED, started_at=ago(days=9)),
            job_that_ran(connection, "failed", RunState.FAILED, started_at=ago(days=1)),
        ]
    )
    expected = [
        *("failed", "failed long ago", "lost long ago", "lost"),
        *("runs for long", "runs", "runs beside", "new", "old", "never"),
    ]
    assert names(get(as_viewer, connection)) == expected


@pytest.mark.parametrize(
    ("key", "upwards", "unknown"),
    [
        ("name", ["a", "B", "c"], []),
        ("kind", ["a", "c", "B"], []),
        ("state", ["c", "B", "a"], []),
        ("started", ["B", "c"], ["a"]),
        ("ended", ["c"], ["a", "B"]),
        ("duration", ["c", "B"], ["a"]),
        ("running", ["a", "c", "B"], []),
    ],
)
def test_sorted_by_each_column(
    as_viewer: Client, connection: Connection, key: str, upwards: list[str], unknown: list[str]
) -> None:
    save(
        [
            job(connection, "a", kind="DAG"),
            job_that_ran(connection, "B", RunState.RUNNING, kind="TEST", started_at=ago(hours=9), running_runs=2),
            job_that_ran(
                connection, "c", RunState.FAILED, kind="MODEL", started_at=ago(hours=2), ended_at=ago(hours=1)
            ),
        ]
    )
    up, down = get(as_viewer, connection, f"?sort={key}"), get(as_viewer, connection, f"?sort=-{key}")
    # Names stand in order among equals, whichever way the column goes.
    equal = [["a", "c"]] if key == "running" else []
    downwards = [*reversed(upwards)] if not equal else ["B", "a", "c"]
    assert names(up) == [*upwards, *unknown]
    assert names(down) == [*downwards, *unknown]
    heading = {"kind": "name", "duration": "duration number", "running": "running number"}.get(key, key)
    assert f'class="column-{heading}" aria-sort="ascending"' in html_of(up)
    assert f'class="column-{heading}" aria-sort="descending"' in html_of(down)


@pytest.fixture
def mixed(connection: Connection) -> Connection:
    save(
        [
            job(connection, "never", kind="DAG"),
            job_that_ran(connection, "shop.load orders", RunState.FAILED, kind="TASK"),
            job_that_ran(connection, "shop.Load", RunState.COMPLETED, kind="TASK"),
            job_that_ran(connection, "shop", RunState.RUNNING, kind="DAG"),
            job_that_ran(connection, "100%_done", RunState.ABORTED, kind="DAG", running_runs=1),
        ]
    )
    return connection


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?state=FAILED", ["shop.load orders"]),
        ("?state=RUNNING", ["shop", "100%_done"]),
        ("?state=NONE", ["never"]),
        ("?state=UNKNOWN", []),
        ("?kind=TASK", ["shop.load orders", "shop.Load"]),
        ("?q=LOAD", ["shop.load orders", "shop.Load"]),
        ("?q=orders+shop", ["shop.load orders"]),
        ("?q=%25_", ["100%_done"]),
        ("?q=%00", ["shop.load orders", "shop", "100%_done", "shop.Load", "never"]),
        ("?kind=DAG&state=RUNNING&q=sho", ["shop"]),
        ("?kind=DAG&sort=-name", ["shop", "never", "100%_done"]),
    ],
)
def test_filters_and_search(as_viewer: Client, mixed: Connection, query: str, expected: list[str]) -> None:
    assert names(get(as_viewer, mixed, query)) == expected


def test_the_states_say_how_many_jobs_the_other_choices_leave(as_viewer: Client, mixed: Connection) -> None:
    def chips(query: str) -> list[tuple[str, str]]:
        return re.findall(
            r'class="chip"[^>]*>\s*([^<]*)<span class="chip-count">(\d+)<', html_of(get(as_viewer, mixed, query))
        )

    none = [("Lost", "0"), ("Slow", "0")]
    everything = [("All", "5"), ("Failed", "1"), *none, ("Running", "2"), ("Completed", "1"), ("Aborted", "1")]
    assert chips("") == chips("?state=FAILED") == [*everything, ("No run yet", "1")]
    assert chips("?kind=TASK&state=ABORTED")[-2:] == [("Completed", "1"), ("Aborted", "0")]


def test_no_job_matches(as_viewer: Client, mixed: Connection) -> None:
    response = get(as_viewer, mixed, "?q=nothing&state=FAILED&sort=name")
    assert "No job matches None has “nothing” in its name under these filters. Show all jobs" in text_of(response)
    assert f'href="/connections/{mixed.pk}?sort=name"' in html_of(response)


def test_pages_of_fifty(as_viewer: Client, connection: Connection) -> None:
    save(job_that_ran(connection, f"job {number:03}") for number in range(101))
    first = get(as_viewer, connection, "?sort=name&q=job")
    assert names(first) == [f"job {number:03}" for number in range(50)]
    assert "50 of 101 jobs" in text_of(first)
    (following,) = re.findall(r'rel="next" href="([^"]*)"', html_of(first))
    second = as_viewer.get(unescape(following))
    assert names(second) == [f"job {number:03}" for number in range(50, 100)]
    assert names(get(as_viewer, connection, "?sort=name&page=999")) == ["job 100"]


# --- Figures and states of the page ---------------------------------------------------------------------------


def test_the_figures(as_viewer: Client, connection: Connection) -> None:
    save(
        [
            job_that_ran(connection, "a", RunState.FAILED),
            job_that_ran(connection, "b", RunState.FAILED, started_at=ago(hours=25), ended_at=ago(hours=24.5)),
            job_that_ran(connection, "c", RunState.RUNNING),
            job(connection, "d"),
        ]
    )
    text = text_of(get(as_viewer, connection))
    assert "Jobs 4 Running 1 Failing 2 Lost 0 Slow 0 Runs in 24 h 2 1 failed Last event just now" in text
    assert "Airflow production Airflow with OpenLineage Connected" in text


def test_before_the_first_event_the_page_says_what_to_do(as_viewer: Client) -> None:
    connection = make_connection()
    text = text_of(get(as_viewer, connection))
    assert "Complete setup to start receiving monitoring events" in text
    assert "1 Generate an API key It proves" in text
    assert "Setup incomplete No API key yet" in text
    assert f'href="/connections/{connection.pk}/settings"' in html_of(get(as_viewer, connection))


def test_the_checklist_ticks_off_what_is_done(as_viewer: Client) -> None:
    connection = make_connection()
    connection.api_keys.create(name="ci", lookup="a", created_at=NOW)
    text = text_of(get(as_viewer, connection))
    assert "Generate an API key (done)" in text
    assert "Put the endpoint URL and the key into the sender The setup" in text
    connection.attempts.create(at=NOW, outcome="repeat", status=200)
    assert "Put the endpoint URL and the key into the sender (done)" in text_of(get(as_viewer, connection))


def test_events_without_a_job(as_viewer: Client, connection: Connection) -> None:
    assert "No jobs yet" in text_of(get(as_viewer, connection))


# --- Who, how ----------------------------------------------------------------------------------------------------


def test_who_may_see_it(client: Client, as_viewer: Client, connection: Connection) -> None:
    assert get(client, connection)["Location"] == f"/sign-in?next=/connections/{connection.pk}"
    assert get(as_viewer, connection).status_code == 200
    assert as_viewer.post(f"/connections/{connection.pk}").status_code == 405


def test_a_removed_connection_is_not_there(as_viewer: Client, connection: Connection) -> None:
    connection.removed_at = timezone.now()
    connection.save()
    assert get(as_viewer, connection).status_code == 404


def test_the_region_alone_with_its_etag(as_viewer: Client, connection: Connection) -> None:
    save([job_that_ran(connection)])
    fragment = get(as_viewer, connection, "?sort=name", **FRAGMENT)
    html = html_of(fragment)
    assert html.lstrip().startswith('<div id="overview"')
    assert f'hx-get="/connections/{connection.pk}?sort=name"' in html
    # The badge in the page's head is told by the same answer.
    assert 'id="connection-status" hx-swap-oob="morph"' in html
    assert "<html" not in html
    again = get(as_viewer, connection, "?sort=name", **FRAGMENT, **{"If-None-Match": fragment["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    save([job_that_ran(connection, "new")])
    assert (
        get(as_viewer, connection, "?sort=name", **FRAGMENT, **{"If-None-Match": fragment["ETag"]}).status_code == 200
    )


def queries_for(client: Client, connection: Connection, jobs: int) -> int:
    save(
        (job_that_ran(connection, f"job {number}", RunState.FAILED) for number in range(jobs)),
        error_message="Boom.",
    )
    make_activity(connection)
    with CaptureQueriesContext(database) as queries:
        assert len(names(get(client, connection))) == jobs
    return len(queries)


def test_the_number_of_queries_does_not_grow_with_the_rows(as_viewer: Client) -> None:
    one = queries_for(as_viewer, make_connection("One"), 1)
    assert queries_for(as_viewer, make_connection("Thirty"), 30) == one
