"""The pages of datasets in Chromium: accessible in each look, whatever is on them, and quick to walk through."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from connections.models import ApiKey
from lineage.events.identity import dataset_id
from lineage.models import Dataset
from tests.browser.accessibility import assert_accessible
from tests.browser.rows import add_connection
from tests.lineage.build import dataset, run_event
from tests.lineage.conftest import Sender
from tests.lineage.dataset_rows import make_dataset
from tests.web.datasets import ORDERS, ORDERS_ID, WAREHOUSE, send_shop
from web.datasets.page import COLUMNS_SHOWN

OpenPage = Callable[..., Page]
LONG = "a_schema_with_a_name_that_is_long." + "a_table_whose_name_goes_on_and_on_" * 4 + "v2"
LONG_ID = dataset_id("warehouse", LONG)
MANY = 30_000


@pytest.fixture
def shop(product: object) -> Sender:
    """A month of a shop, a dataset with more columns than its page shows at first, and long names, and one that was
    dropped."""
    connection = add_connection("Shop models", "dbt")
    sender = Sender(connection, ApiKey.objects.get(connection=connection))
    now = timezone.now()
    send_shop(sender, now - timedelta(hours=1))
    fields = [
        {"name": f"column_{n}_whose_name_goes_on_and_on_{n}", "type": "STRUCT<a:INT,b:ARRAY<STRING>>"}
        for n in range(COLUMNS_SHOWN + 10)
    ]
    drop = {"lifecycleStateChange": "DROP"}
    for number, table in enumerate(
        [
            dataset(LONG, schema={"fields": fields}),
            dataset("old", WAREHOUSE),
            dataset("old", WAREHOUSE, lifecycleStateChange=drop),
        ]
    ):
        at, job = (now + timedelta(seconds=number)).isoformat(), f"job {number} " + "with_a_long_name_" * 8
        sender.send(run_event("COMPLETE", at, run=str(uuid.UUID(int=number + 1)), job=job, outputs=[table]), now=now)
    return sender


@pytest.mark.usefixtures("shop")
def test_the_page_of_a_dataset(open_page: OpenPage, viewer: User) -> None:
    page = open_page(f"/datasets/{ORDERS_ID}?all=jobs", viewer)
    page.get_by_text("The same as a table").click()
    assert_accessible(page)


@pytest.mark.usefixtures("shop")
def test_long_names_dropped_and_listed(open_page: OpenPage, viewer: User) -> None:
    page = open_page("/datasets", viewer)
    assert_accessible(page)
    old = dataset_id(WAREHOUSE, "old")
    for path in (f"/datasets/{LONG_ID}?all=columns", f"/datasets/{old}"):
        page.goto(path)
        assert_accessible(page)
    for query in ("q=zzz", "connection=x"):
        page.goto(f"/datasets?{query}")
        assert_accessible(page, part="#datasets")


def test_no_datasets_yet(open_page: OpenPage, viewer: User) -> None:
    page = open_page("/datasets", viewer)
    expect(page.get_by_role("heading", name="No datasets yet")).to_be_visible()
    assert_accessible(page)


@pytest.mark.usefixtures("shop")
def test_from_search_to_the_column_and_its_source(open_page: OpenPage, viewer: User) -> None:
    page = open_page("/search?q=ordered+at", viewer)
    page.get_by_role("link", name="ordered_at").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(ORDERS)
    page.get_by_role("link", name="raw.orders.created_at").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("raw.orders")
    page.locator(".flow-right").get_by_role("link", name="fct_orders").click()
    page.get_by_role("link", name=ORDERS).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(ORDERS)
    page.get_by_role("link", name="Lineage", exact=True).last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("fct_orders")


def test_thirty_thousand_datasets(open_page: OpenPage, viewer: User) -> None:
    connections = [add_connection(name) for name in ("one", "two")]
    Dataset.objects.bulk_create(
        (make_dataset(connections[n % 2], f"shop_{n % 7}.table_{n:05}", "warehouse") for n in range(MANY)),
        batch_size=5000,
    )
    page = open_page("/datasets", viewer)
    rows: Any = page.locator(".dataset-list tbody tr")
    expect(rows).to_have_count(50)
    page.get_by_role("link", name="Next").click()
    expect(rows.first).to_contain_text("shop_0.table_00350")
    page.get_by_label("Search datasets by name").fill("table_29999")
    expect(rows).to_have_count(1)
    assert_accessible(page)
