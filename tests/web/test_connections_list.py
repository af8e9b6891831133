"""The Connections list: what its rows say, and that the URL holds what the reader chose."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.models import ApiKey, Attempt, Connection
from lineage.models import Job, RunState
from tests.web.rows import job, job_that_ran, make_activity, make_connection, save

pytestmark = pytest.mark.django_db

FRAGMENT = {"HX-Request": "true", "HX-Target": "connection-list"}


def get(client: Client, query: str = "", **headers: str) -> Any:
    return client.get(f"/connections{query}", headers=headers)


def names(response: Any) -> list[str]:
    return re.findall(r'class="line-name"[^>]*aria-label="([^"]*)"', response.content.decode(), re.DOTALL)


def chips(response: Any) -> dict[str, int]:
    found = re.findall(r'class="chip"[^>]*>\s*([^<]*)<span class="chip-count">(\d+)<', response.content.decode())
    return {title: int(count) for title, count in found}


def make_key(connection: Connection) -> None:
    lookup = uuid.uuid4().hex
    ApiKey.objects.create(connection=connection, name=lookup, lookup=lookup, created_at=timezone.now())


def make_row(name: str, type_: str = "airflow", *, connected: bool = True, jobs: int = 0, minutes_ago: int = 5) -> None:
    connection = make_connection(name, type_)
    make_key(connection)
    if connected:
        make_activity(connection, at=timezone.now() - timedelta(minutes=minutes_ago))
    Job.objects.bulk_create(job(connection, f"job {number}") for number in range(jobs))


@pytest.fixture
def three(db: None) -> None:
    make_row("beta", "dbt", jobs=3, minutes_ago=9)
    make_row("Alpha", "airflow", jobs=1, minutes_ago=90)
    make_row("gamma", "airflow", connected=False)


def test_a_row_says_status_jobs_and_last_event(as_viewer: Client) -> None:
    connection = make_connection("Airflow production")
    make_key(connection)
    make_activity(connection, at=timezone.now() - timedelta(minutes=5, seconds=10))
    save(
        [
            job_that_ran(connection, "a", RunState.RUNNING),
            job_that_ran(connection, "b", RunState.FAILED),
            job_that_ran(connection, "c", RunState.FAILED),
            job_that_ran(connection, "d"),
            job_that_ran(connection, "e", RunState.LOST),
        ]
    )
    Job.objects.filter(name="e").update(latest_run_state=RunState.LOST)
    page = get(as_viewer).content.decode()
    assert "Airflow with OpenLineage" in page
    assert "Connected</span>" in page
    counts = {title: int(count) for title, count in re.findall(r'data-title="(\w+)">\s*(?:<span[^>]*>)?(\d+)<', page)}
    assert counts == {"Jobs": 5, "Running": 1, "Failing": 2, "Lost": 1, "Slow": 0}
    assert ">5 min ago</time>" in page
    assert "Times are in" in page
    assert reverse("connection_overview", args=[connection.pk]) in page


def test_setup_incomplete_says_why(as_viewer: Client) -> None:
    connection = make_connection("Airflow production")
    assert "No API key yet" in get(as_viewer).content.decode()
    make_key(connection)
    assert "API key never used" in get(as_viewer).content.decode()
    at = timezone.now() - timedelta(minutes=3)
    Attempt.objects.create(connection=connection, at=at, outcome="rejected", status=401, reason="<b>Unknown key</b>")
    page = get(as_viewer).content.decode()
    assert "Last request refused: &lt;b&gt;Unknown key&lt;/b&gt;" in page
    assert "3 min ago" in page


def test_removed_connections_are_not_listed(as_viewer: Client, three: None) -> None:
    Connection.objects.filter(name="beta").update(removed_at=timezone.now())
    assert names(get(as_viewer)) == ["Alpha", "gamma"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("", ["Alpha", "beta", "gamma"]),
        ("-name", ["gamma", "beta", "Alpha"]),
        ("status", ["Alpha", "beta", "gamma"]),
        ("-status", ["gamma", "Alpha", "beta"]),
        ("jobs", ["gamma", "Alpha", "beta"]),
        ("-jobs", ["beta", "Alpha", "gamma"]),
        ("-last_event", ["beta", "Alpha", "gamma"]),
        ("last_event", ["gamma", "Alpha", "beta"]),
    ],
)
def test_sort(as_viewer: Client, three: None, sort: str, expected: list[str]) -> None:
    assert names(get(as_viewer, f"?sort={sort}")) == expected


def test_the_sorted_column_says_so_and_turns_around(as_viewer: Client, three: None) -> None:
    page = get(as_viewer, "?sort=-jobs&status=connected").content.decode()
    heading = re.search(r'class="column-jobs number"(.*?)</th>', page, re.DOTALL)
    assert heading
    assert 'aria-sort="descending"' in heading[1]
    assert 'href="/connections?status=connected&amp;sort=jobs"' in heading[1]
    assert page.count("aria-sort") == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?status=connected", ["Alpha", "beta"]),
        ("?status=setup_incomplete", ["gamma"]),
        ("?type=airflow", ["Alpha", "gamma"]),
        ("?type=airflow&status=connected", ["Alpha"]),
        ("?q=A", ["Alpha", "beta", "gamma"]),
        ("?q=alp", ["Alpha"]),
        ("?q=alp&type=dbt", []),
        ("?q=%00", ["Alpha", "beta", "gamma"]),
    ],
)
def test_filters_and_search(as_viewer: Client, three: None, query: str, expected: list[str]) -> None:
    assert names(get(as_viewer, query)) == expected


def test_chips_count_what_choosing_them_shows(as_viewer: Client, three: None) -> None:
    everything = {"All": 3, "Connected": 2, "Setup incomplete": 1, "Airflow": 2, "dbt Core": 1}
    assert chips(get(as_viewer)) == everything
    # Beside a chosen type, the statuses count within it; and a search narrows all.
    within = {"All": 3, "Connected": 1, "Setup incomplete": 1, "Airflow": 2, "dbt Core": 1}
    assert chips(get(as_viewer, "?type=airflow")) == within
    found = {"All": 1, "Connected": 1, "Setup incomplete": 0, "Airflow": 1, "dbt Core": 0}
    assert chips(get(as_viewer, "?q=alp")) == found


def test_no_connection_leads_an_editor_to_add_one(as_editor: Client) -> None:
    page = get(as_editor).content.decode()
    assert "Connect your first orchestrator" in page
    assert page.count(f'href="{reverse("connection_add")}"') == 2


def test_no_connection_tells_a_viewer_whom_to_ask(as_viewer: Client) -> None:
    page = get(as_viewer).content.decode()
    assert "Ask an editor or an administrator" in page
    assert reverse("connection_add") not in page


def test_no_results_lead_back_to_all(as_viewer: Client, three: None) -> None:
    page = get(as_viewer, "?q=<zzz>&sort=-jobs").content.decode()
    assert "No connection matches" in page
    assert "“&lt;zzz&gt;”" in page
    assert 'href="/connections?sort=-jobs"' in page


def test_menu_only_for_those_who_may(as_viewer: Client, as_editor: Client, three: None) -> None:
    assert "Remove connection" not in get(as_viewer).content.decode()
    assert get(as_editor).content.decode().count("Remove connection") == 3


def test_pages(as_viewer: Client) -> None:
    for number in range(55):
        make_connection(f"connection {number:02}")
    first, second = get(as_viewer, "?sort=-name"), get(as_viewer, "?sort=-name&page=2")
    assert names(first)[0] == "connection 54"
    assert len(names(first)) == 50
    words = " ".join(first.content.decode().split())
    assert "1–50 of 55 connections" in words  # noqa: RUF001 - as the page has it
    assert 'href="/connections?sort=-name&amp;page=2"' in first.content.decode()
    assert names(second) == [f"connection {number:02}" for number in range(4, -1, -1)]
    assert names(get(as_viewer, "?sort=-name&page=99")) == names(second)


def test_anonymous_is_led_to_sign_in_and_back(client: Client, db: None) -> None:
    response = get(client, "?q=x")
    assert response.status_code == 302
    assert response["Location"] == "/sign-in?next=/connections%3Fq%3Dx"


def test_the_fragment_is_the_region_alone(as_viewer: Client, three: None) -> None:
    response = get(as_viewer, "?q=alp", **FRAGMENT)
    fragment = response.content.decode().strip()
    assert fragment.startswith('<div id="connection-list"')
    assert 'hx-get="/connections?q=alp"' in fragment
    assert "<html" not in fragment
    assert names(response) == ["Alpha"]
    assert "HX-Request" in response["Vary"]
    assert "private" in response["Cache-Control"]


def test_a_fragment_that_did_not_change_is_not_sent_again(as_viewer: Client, three: None) -> None:
    first = get(as_viewer, **FRAGMENT)
    again = get(as_viewer, **FRAGMENT, **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == first["ETag"]
    make_row("delta")
    changed = get(as_viewer, **FRAGMENT, **{"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


def test_a_fragment_after_the_session_ended_takes_the_page_to_sign_in(client: Client, db: None) -> None:
    headers = {**FRAGMENT, "HX-Current-URL": "http://testserver/connections?q=x"}
    response = client.get("/connections?q=x", headers=headers, follow=True)
    assert response["HX-Redirect"] == "/sign-in?next=%2Fconnections%3Fq%3Dx"
    assert response.content == b""


def test_as_many_queries_for_thirty_as_for_one(
    as_editor: Client, django_assert_num_queries: Callable[..., Any]
) -> None:
    make_row("connection", jobs=1)
    get(as_editor)
    # Session, user, two for permissions; members-only connections, all that are visible, five for their summaries, what
    # runs, and the reader's levels.
    with django_assert_num_queries(14):
        get(as_editor)
    for number in range(29):
        make_row(f"connection {number}", jobs=2)
    with django_assert_num_queries(14):
        assert len(names(get(as_editor))) == 30


def test_a_strip_tells_how_many_runs_failed(as_viewer: Client) -> None:
    connection = make_connection("Airflow production")
    make_activity(connection, at=timezone.now())
    yesterday = timezone.now() - timedelta(days=1)
    save(
        [
            job_that_ran(connection, "fine", started_at=timezone.now(), ended_at=timezone.now()),
            job_that_ran(connection, "red", RunState.FAILED, started_at=yesterday, ended_at=yesterday),
        ]
    )
    make_connection("nothing came yet")
    shown = get(as_viewer).content.decode()
    assert re.findall(r'class="days-strip"[^>]*aria-label="([^"]*)"', shown) == [
        "Failed runs in the last 14 days: 1 of 2"
    ]
