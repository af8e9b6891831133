"""Details of a dataset in the API: those of its page."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lineage.events.identity import dataset_id
from tests.api.rows import NOW
from tests.lineage.build import dataset, run_event
from tests.lineage.conftest import Sender, make_sender
from tests.web.datasets import DAYS, ORDERS, ORDERS_ID, WAREHOUSE, send_shop

Read = Callable[..., Any]
PATH = f"datasets/{ORDERS_ID}"


@pytest.fixture
def shop(db: None) -> Sender:
    sender = make_sender()
    send_shop(sender, NOW)
    return sender


def test_a_dataset(read: Read, shop: Sender) -> None:
    found = read(PATH)
    assert (found["namespace"], found["name"]) == (WAREHOUSE, ORDERS)
    assert found["documentation"] == "One row for each order line that was paid."
    assert found["connections"] == [str(shop.connection.pk)]
    assert [(one["name"], one["kind"]) for one in found["other_names"]] == [("shop.fct_orders", "TABLE")]
    assert [(one["name"], one["is_current"]) for one in found["writers"]] == [
        ("fct_orders", True),
        ("backfill_orders_from_archive", False),
    ]
    assert (found["writers_count"], found["readers_count"]) == (2, 5)
    assert found["last_write"]["ended_at"] == "2026-03-02T12:00:00Z"
    assert found["last_write"]["job"]["name"] == "fct_orders"
    assert len(found["writes"]) == DAYS
    assert [write["rows"] for write in found["writes"] if write["is_unusual"]] == [32_072_000]
    assert [test["state"] for test in found["tests"]] == ["failed", "warned", *["passed"] * 4]


def test_its_schemas(read: Read, shop: Sender) -> None:
    found = read(f"{PATH}/schemas")
    assert [column["path"] for column in found["columns"]][-3:] == ["address", "address.city", "address.street"]
    assert [change["differences"] for change in found["changes"]] == [
        [{"change": "added", "path": "sales_channel", "type": "VARCHAR(32)", "previous_type": ""}],
        [{"change": "changed", "path": "net_amount", "type": "DECIMAL(12,2)", "previous_type": "DECIMAL(10,2)"}],
    ]


def test_its_columns(read: Read, shop: Sender) -> None:
    found = read(f"{PATH}/columns")
    columns = {column["path"]: column for column in found["columns"]}
    origin = columns["ordered_at"]["origin"]
    source = {"dataset_id": str(dataset_id(WAREHOUSE, "raw.orders")), "namespace": WAREHOUSE, "dataset": "raw.orders"}
    assert origin == {"how": "renamed", "sources": [{**source, "column": "created_at"}], "influences": []}
    assert columns["loaded_at"]["origin"] is None
    assert [test["assertion"] for test in columns["order_id"]["tests"]] == ["not_null", "unique"]
    assert found["of_all"] == [{"how": "filtered by", "sources": [{**source, "column": "is_test"}]}]


def test_the_runs_that_wrote_it(read: Read, shop: Sender) -> None:
    page = read(f"{PATH}/runs", page_size=20)
    assert len(page["results"]) == 20
    assert page["next"]
    assert {run["job"]["name"] for run in page["results"]} == {"fct_orders"}
    everything = read(f"{PATH}/runs", page_size=100)["results"]
    assert len(everything) == DAYS + 1  # and the one that only once wrote it


def test_a_source_under_another_name_is_the_table(read: Read, shop: Sender) -> None:
    """Origins name the path; the table is what people know."""
    path, table = "/wh/raw", {"namespace": "hive", "name": "raw", "type": "TABLE"}
    lineage = {"fields": {"a": {"inputFields": [{"namespace": "hdfs", "name": path, "field": "a"}]}}}
    read_path = dataset(path, "hdfs", symlinks={"identifiers": [table]})
    at = (NOW + timedelta(hours=1)).isoformat()
    run = str(uuid.UUID(int=5))
    shop.send(run_event("COMPLETE", at, run=run, inputs=[read_path], outputs=[dataset("t", columnLineage=lineage)]))
    [column] = read(f"datasets/{dataset_id('warehouse', 't')}/columns")["columns"]
    assert [one["dataset"] for one in column["origin"]["sources"]] == ["raw"]


def test_a_dataset_of_a_removed_connection_is_not_found(read: Read, shop: Sender) -> None:
    shop.connection.removed_at = NOW
    shop.connection.save()
    for path in ("", "/schemas", "/columns", "/runs"):
        read(PATH + path, 404)
