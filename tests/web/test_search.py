"""Search: the list below the field, the page of results, and what each says of what it found."""

import re
import uuid
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connections.models import Connection
from lineage.events.identity import dataset_id
from lineage.models import Job, Run, RunState
from tests.api.rows import build_run, make_job, make_run
from tests.lineage.build import dataset, run_event
from tests.lineage.conftest import make_sender
from tests.lineage.settling import save_runs
from tests.web.rows import NOW, job, job_that_ran, make_connection, save
from web.search.results import KIND_ICONS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]

LIST = {"HX-Request": "true", "HX-Target": "search-list"}


@pytest.fixture
def shop() -> Connection:
    connection = make_connection("Shop production")
    save(
        [
            job_that_ran(connection, "shop.load_orders", RunState.FAILED, kind="TASK"),
            job(connection, "shop", kind="DAG"),
        ]
    )
    return connection


def get(client: Client, text: str = "", *, near: object = "", **headers: str) -> Any:
    response = client.get("/search", {"q": text, "near": str(near)}, headers=headers)
    assert response.status_code == 200
    return response


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def hits(response: Any) -> list[str]:
    html = response.content.decode().replace("</span><span>", "")  # names are cut in two
    return [text_of(hit) for hit in re.findall(r'<li class="hit".*?</li>', html, re.DOTALL)]


def options(response: Any) -> list[str]:
    return [
        text_of(option)
        for option in re.findall(r"<a class=\"finder-option.*?</a>", response.content.decode(), re.DOTALL)
    ]


def names(response: Any) -> list[str]:
    html = response.content.decode()
    return [unescape(a or b) for a, b in re.findall(r'hit-name"(?:[^>]*aria-label="([^"]*)"|>([^<]*)<)', html)]


def link(response: Any, rel: str) -> str | None:
    found = re.findall(rf'rel="{rel}" href="([^"]*)"', response.content.decode())
    return unescape(found[0]) if found else None


def test_the_page_says_what_each_one_is(as_viewer: Client, shop: Connection) -> None:
    assert hits(get(as_viewer, "SHOP")) == [
        "Shop production Airflow with OpenLineage",
        "shop DAG · Shop production · prod No run yet",
        "shop.load_orders Task · Shop production · prod Failed 1 h ago 2026-03-02 11:00:00 UTC",
    ]


def test_a_run_by_its_id(as_viewer: Client, shop: Connection) -> None:
    run = Run.objects.get()
    response = get(as_viewer, str(run.id).upper())
    [hit] = hits(response)
    assert hit.startswith(f"shop.load_orders Run {run.id} · Shop production · prod Failed 1 h ago")
    assert f'href="/connections/{shop.pk}/runs/{run.id}"' in response.content.decode()


def test_a_run_by_its_senders_id(as_viewer: Client, shop: Connection) -> None:
    run = make_run(make_job(shop, "other"), external_id="manual__2026-03-02")
    assert str(run.id) in get(as_viewer, "manual__2026-03-02").content.decode()


def test_runs_by_what_their_orchestrator_calls_them(as_viewer: Client, shop: Connection) -> None:
    name = "manual__2026-03-02T12:00:00+00:00"
    run = make_run(make_job(shop, "other"), orchestrator_run_id=name)
    [hit] = hits(get(as_viewer, name))
    assert hit.startswith(f"other Run {name} · Shop production · prod Completed")
    # By another id it is called by that.
    assert f"Run {run.id} ·" in hits(get(as_viewer, str(run.id)))[0]


def test_more_runs_of_one_name_than_are_listed(as_viewer: Client, shop: Connection) -> None:
    name = "scheduled__2026-03-02T00:00:00+00:00"
    save_runs(build_run(make_job(shop, f"dag {n}"), orchestrator_run_id=name) for n in range(49))
    assert "All runs with this id" not in get(as_viewer, name).content.decode()
    make_run(make_job(shop, "one more"), orchestrator_run_id=name)
    response = get(as_viewer, name)
    assert len(hits(response)) == 50
    path = "/runs?orchestrator_run_id=scheduled__2026-03-02T00%3A00%3A00%2B00%3A00"
    assert f'<a href="{path}">All runs with this id</a>' in response.content.decode()
    assert as_viewer.get(path).content.decode().count('<tr id="run-') == 50


def test_the_list_has_options_in_groups(as_viewer: Client, shop: Connection) -> None:
    response = get(as_viewer, "shop", **LIST)
    html = response.content.decode()
    assert html.lstrip().startswith('<div class="finder-list" id="search-list"')
    assert "<html" not in html
    assert options(response) == [
        "Shop production Airflow with OpenLineage",
        "shop DAG · Shop production · prod No run yet",
        "shop.load_orders Task · Shop production · prod Failed 1 h ago",
        "All results for “shop”",
    ]
    assert re.findall(r'finder-title"[^>]*>(\w+)<', html) == ["Connections", "Jobs"]
    assert 'data-summary="1 connection, 2 jobs"' in html
    assert 'href="/search?q=shop"' in html


def test_the_list_is_short(as_viewer: Client) -> None:
    connection = make_connection()
    save(job(connection, f"load_{number}") for number in range(20))
    assert len(options(get(as_viewer, "load", **LIST))) == 9
    assert len(hits(get(as_viewer, "load"))) == 20


def test_jobs_of_the_connection_at_hand_come_first(as_viewer: Client, shop: Connection) -> None:
    other = make_connection("Other")
    save([job(other, "all_orders")])
    assert names(get(as_viewer, "ord", near=shop.pk, **LIST)) == ["shop.load_orders", "all_orders"]
    response = get(as_viewer, "ord", near=other.pk, **LIST)
    assert names(response) == ["all_orders", "shop.load_orders"]
    assert f'href="/search?q=ord&amp;near={other.pk}"' in response.content.decode()
    # As its pages ask for it, and no others.
    assert f'name="near" value="{other.pk}"' in as_viewer.get(f"/connections/{other.pk}").content.decode()
    assert 'name="near"' not in as_viewer.get("/connections").content.decode()


def test_pages_of_jobs(as_viewer: Client) -> None:
    connection = make_connection("load")
    save(job(connection, f"load_{number}") for number in range(120))
    first = get(as_viewer, "load")
    second = as_viewer.get(f"{link(first, 'next')}")
    third = as_viewer.get(f"{link(second, 'next')}")
    pages = [names(page) for page in (first, second, third)]
    # The connection stands on the first page alone.
    assert pages[0].pop(0) == "load"
    assert [len(page) for page in pages] == [50, 50, 20]
    assert len({name for page in pages for name in page}) == 120
    assert (link(first, "prev"), link(third, "next")) == (None, None)
    assert names(as_viewer.get(f"{link(third, 'prev')}")) == pages[1]
    assert names(as_viewer.get(f"{link(third, 'first')}"))[1:] == pages[0]


@pytest.mark.parametrize("text", ["", " ", "\0", "zzz", "_", "'; --", "x" * 5000, str(uuid.UUID(int=7))])
def test_nothing_found_says_what_can_be_searched_for(as_viewer: Client, shop: Connection, text: str) -> None:
    for headers in ({}, LIST):
        said = text_of(get(as_viewer, text, **headers).content.decode())
        asks = "Find a connection, a job, a run, a dataset or a column"
        assert ("Nothing found for" if text.strip(" \0") else asks) in said
        assert "whole id" in said


def test_names_are_text(as_viewer: Client) -> None:
    save([job(make_connection("<b>one"), "<script>orders", namespace="<i>")])
    for headers in ({}, LIST):
        html = get(as_viewer, "orders", **headers).content.decode()
        assert "&lt;script&gt;orders" in html
        assert "<script>orders" not in html


def test_what_was_removed_is_not_found(as_viewer: Client, shop: Connection) -> None:
    run = Run.objects.get()
    Connection.objects.update(removed_at=NOW + timedelta(seconds=1))
    for text in ("shop", "orders", str(run.id)):
        assert names(get(as_viewer, text)) == []


def test_each_kind_has_an_icon() -> None:
    assert set(KIND_ICONS) == set(Job.Kind)


def test_who_may_see_it(client: Client, as_viewer: Client) -> None:
    assert client.get("/search?q=x")["Location"] == "/sign-in?next=/search%3Fq%3Dx"
    assert as_viewer.post("/search").status_code == 405


@pytest.mark.parametrize("headers", [{}, LIST])
def test_the_number_of_queries_does_not_grow_with_the_rows(as_viewer: Client, headers: dict[str, str]) -> None:
    def queries(amount: int) -> int:
        for number in range(amount):
            connection = make_connection(f"load {amount}.{number}")
            make_run(make_job(connection, f"load {amount}.{number}"), external_id="load")
        with CaptureQueriesContext(database) as found:
            assert len(names(get(as_viewer, "load", **headers))) >= min(3 * amount, 24)
        return len(found)

    assert queries(1) == queries(29)


def test_datasets_and_columns_lead_to_their_page(as_viewer: Client) -> None:
    schema = {"fields": [{"name": "net_amount", "type": "int"}]}
    make_sender().send(run_event(outputs=[dataset("shop.orders", schema=schema)]))
    url = f"/datasets/{dataset_id('warehouse', 'shop.orders')}"
    for headers in ({}, LIST):
        found = get(as_viewer, "shop orders", **headers).content.decode()
        assert f'href="{url}"' in found
        assert "Dataset · warehouse" in found
        found = get(as_viewer, "amount", **headers).content.decode()
        assert f'href="{url}?all=columns#columns"' in found
        assert "Column of shop.orders, int · warehouse" in text_of(found)
