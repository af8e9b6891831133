"""/search: jobs in pages, the nearest first; connections and runs beside the first page."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.api.rows import NOW, make_connection, make_job, make_run
from tests.lineage.build import dataset, run_event
from tests.lineage.conftest import make_sender

Read = Callable[..., Any]
pytestmark = pytest.mark.django_db


def test_what_is_found_and_how_it_is_shown(read: Read) -> None:
    connection = make_connection("Shop orders")
    job = make_job(connection, "shop.load_orders")
    make_job(connection, "other")
    answer = read("search", q="ORD")
    assert answer["results"] == [read(f"connections/{connection.pk}/jobs", search="orders")["results"][0]]
    assert answer["connections"] == read("connections")["results"]
    assert answer["runs"] == []
    run = make_run(job)
    found = read("search", q=str(run.run_id))
    assert (found["results"], found["connections"]) == ([], [])
    assert found["runs"] == read("runs")["results"]
    called = make_run(job, orchestrator_run_id="manual__2026-03-02T12:00:00+00:00")
    found = read("search", q="manual__2026-03-02T12:00:00+00:00")
    assert [run["id"] for run in found["runs"]] == [str(called.id)]
    lists = ("results", "connections", "runs", "datasets", "columns")
    assert read("search", q="-") == {"next": None, "previous": None, **{name: [] for name in lists}}


def test_datasets_and_columns_are_found(read: Read, db: None) -> None:
    schema = {"fields": [{"name": "net_amount", "type": "int"}]}
    make_sender().send(run_event(outputs=[dataset("shop.orders", schema=schema)]))
    [found] = read("search", q="orders")["datasets"]
    assert (found["namespace"], found["name"]) == ("warehouse", "shop.orders")
    assert read("search", q="amount")["columns"] == [{"dataset": found, "path": "net_amount", "type": "int"}]


def test_jobs_of_a_connection_may_come_first(read: Read) -> None:
    one, two = make_connection("one"), make_connection("two")
    make_job(one, "orders_daily")
    make_job(two, "all_orders")

    def names(**query: Any) -> list[str]:
        return [job["name"] for job in read("search", q="ord", **query)["results"]]

    assert names() == names(near=one.pk) == ["orders_daily", "all_orders"]
    assert names(near=two.pk) == ["all_orders", "orders_daily"]
    assert "near" in read("search", 400, q="ord", near="one")["error"]["detail"]


def test_pages(read: Read) -> None:
    connection = make_connection("load")
    names = {make_job(connection, f"load_{number}").name for number in range(5)}
    first = read("search", q="load", page_size=3)
    assert [one["name"] for one in first["connections"]] == ["load"]
    cursor = first["next"].split("cursor=")[1].split("&")[0]
    second = read("search", q="load", page_size=3, cursor=cursor)
    assert (second["next"], second["connections"], second["runs"]) == (None, [], [])
    assert {job["name"] for page in (first, second) for job in page["results"]} == names
    assert len(second["results"]) == 2
    assert "cursor" in read("search", 400, q="load", cursor="x")["error"]["detail"]


@pytest.mark.parametrize("text", [None, "", "x" * 251, "a\0b"])
def test_it_has_to_be_told_what_to_search_for(read: Read, text: str | None) -> None:
    answer = read("search", 400, **({} if text is None else {"q": text}))
    assert "q" in answer["error"]["detail"]


def test_what_was_removed_is_not_found(read: Read) -> None:
    removed = make_connection("orders", removed_at=NOW)
    run = make_run(make_job(removed, "orders", id=uuid4()))
    for text in ("orders", str(run.run_id)):
        answer = read("search", q=text)
        assert (answer["results"], answer["connections"], answer["runs"]) == ([], [], [])
