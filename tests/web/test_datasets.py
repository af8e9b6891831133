"""The pages of datasets: the list, and one dataset."""

import html
import json
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from lineage.events.identity import dataset_id
from lineage.models import Dataset, Job, Run
from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import Sender, make_sender
from tests.lineage.dataset_rows import make_dataset, save_dataset
from tests.web.datasets import ORDERS, ORDERS_ID, WAREHOUSE, send_shop
from tests.web.test_runs import html_of

pytestmark = pytest.mark.django_db

LAST = datetime(2026, 11, 20, 13, tzinfo=UTC)


@pytest.fixture
def sender() -> Sender:
    return make_sender()


@pytest.fixture
def shop() -> Iterator[Sender]:
    with time_machine.travel(LAST + timedelta(hours=1), tick=False):
        sender = make_sender()
        send_shop(sender, LAST)
        yield sender


def text_of(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status
    main = response.content.decode().partition("<main")[2]
    shown = re.sub(
        r'<span class="ago-exact".*?</span></span>|<svg.*?</svg>|<title>.*?</title>', "", main, flags=re.DOTALL
    )
    # Names that may be cut in their middle are two elements without a space between.
    joined = re.sub(r"</span><span>", "", shown)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", joined)).split())


def page_of(client: Client, id_: uuid.UUID = ORDERS_ID, query: str = "") -> str:
    return text_of(client, f"/datasets/{id_}{query}")


def complete(job: str, number: int, seconds: float = 0, **fields: Any) -> bytes:
    return run_event("COMPLETE", at(seconds), run=str(uuid.UUID(int=number)), job=job, **fields)


@pytest.mark.usefixtures("shop")
def test_what_is_known_of_a_dataset(as_viewer: Client) -> None:
    shown = page_of(as_viewer)
    assert "One row for each order line that was paid." in shown
    assert "Last written 1 h ago by fct_orders in 48.0 s" in shown
    assert "Rows 41.3 M 0.3 % more than the write before" in shown
    assert "Tests 1 of 6 failed accepted_range of net_amount" in shown
    assert "Owner Analytics (team) Tag tier:gold Storage snowflake, fdn" in shown
    assert "Other name shop.fct_orders in hive://metastore, table" in shown


@pytest.mark.usefixtures("shop")
def test_who_writes_and_reads_it(as_viewer: Client) -> None:
    shown = page_of(as_viewer)
    assert "Written by 1 job, and 1 earlier fct_orders Job, wrote 1 h ago" in shown
    assert "backfill_orders_from_archive Job, wrote 2026-10-11, not in its latest round" in shown
    assert "Read by 5 jobs, the latest 3" in shown
    assert "fct_orders.test" not in shown
    everything = page_of(as_viewer, query="?all=jobs")
    assert "fct_orders.test Job" in everything
    assert "backfill_orders_from_archive Job" in everything


@pytest.mark.usefixtures("shop")
def test_columns_say_where_they_come_from_and_how_they_were_tested(as_viewer: Client) -> None:
    shown = page_of(as_viewer)
    assert (
        "order_id Number of the order, given by the shop. BIGINT raw.orders.order_id same Passed not null, unique"
        in shown
    )
    assert "customer_id pii BIGINT raw.customers.customer_id same name no test" in shown
    assert "ordered_at TIMESTAMP_TZ raw.orders.created_at renamed" in shown
    assert "raw.orders.amount , raw.orders.discount computed Failed accepted range" in shown
    assert "raw.orders.currency same chosen by raw.orders.status" in shown
    assert "All columns are filtered by raw.orders.is_test" in shown
    assert "Warned not null" in shown


@pytest.mark.usefixtures("shop")
def test_the_history_of_the_schema(as_viewer: Client) -> None:
    shown = page_of(as_viewer)
    history = shown.partition("Schema history")[2]
    assert history.startswith(" 2 changes 2 days ago Added sales_channel VARCHAR(32)")
    assert "11 days ago Changed net_amount from DECIMAL(10,2) to DECIMAL(12,2)" in history


@pytest.mark.usefixtures("shop")
def test_a_write_with_too_few_rows_is_named(as_viewer: Client) -> None:
    content = as_viewer.get(f"/datasets/{ORDERS_ID}").content.decode()
    assert "9 Nov: 32.1 M, 20 % fewer than the write before" in content
    assert content.count("mark-unusual") == 3  # the legend, and both charts
    assert "Out of the usual range" in page_of(as_viewer)


@pytest.mark.usefixtures("shop")
def test_another_name_shows_the_same(as_viewer: Client) -> None:
    shown = page_of(as_viewer, dataset_id("hive://metastore", "shop.fct_orders"))
    assert "Last written 1 h ago by fct_orders" in shown
    assert f"Other name {ORDERS} in {WAREHOUSE}" in shown


def test_a_failed_write_is_not_the_last_one(as_viewer: Client, sender: Sender, after_built_events: None) -> None:
    sender.send(complete("load", 1, outputs=[dataset("t")]))
    sender.send(run_event("FAIL", at(3600), run=str(uuid.UUID(int=2)), job="load", outputs=[dataset("t")]))
    assert "Last written 2 h ago" in page_of(as_viewer, dataset_id("warehouse", "t"))


def test_a_dropped_dataset_is_struck_through(as_viewer: Client, sender: Sender, after_built_events: None) -> None:
    sender.send(complete("load", 1, outputs=[dataset("t")]))
    drop = {"lifecycleStateChange": "DROP"}
    failed = run_event(
        "FAIL", at(60), run=str(uuid.UUID(int=2)), job="drop", outputs=[dataset("t", lifecycleStateChange=drop)]
    )
    sender.send(failed)
    id_ = dataset_id("warehouse", "t")
    assert "dropped" not in page_of(as_viewer, id_).lower()
    sender.send(complete("drop", 3, 120, outputs=[dataset("t", lifecycleStateChange=drop)]))
    assert "It was dropped or renamed 1 h ago" in page_of(as_viewer, id_)
    assert "is-dropped" in as_viewer.get("/datasets").content.decode()
    assert "Written by 1 job load" in page_of(as_viewer, id_)
    sender.send(complete("load", 4, 240, outputs=[dataset("t")]))
    assert "is-dropped" not in as_viewer.get("/datasets").content.decode()


def test_a_renamed_dataset_leads_to_the_other_name(as_viewer: Client, sender: Sender) -> None:
    before = {"namespace": "warehouse", "name": "old"}
    renamed = {"lifecycleStateChange": "RENAME", "previousIdentifier": before}
    sender.send(complete("load", 1, outputs=[dataset("new", lifecycleStateChange=renamed)]))
    for name in ("old", "new"):
        assert "Renamed from old to new" in page_of(as_viewer, dataset_id("warehouse", name))


def test_mapped_instances_under_one_parent_are_all_current(as_viewer: Client, sender: Sender) -> None:
    parent = {"parent": {"run": {"runId": str(uuid.UUID(int=99))}, "job": {"namespace": "n", "name": "dag"}}}
    for number in (1, 2, 3):
        table = [dataset(f"t{number}")]
        sender.send(complete("dag.load", number, number, run_facets=parent, outputs=table))
    for number in (1, 2, 3):
        assert "Written by 1 job dag.load" in page_of(as_viewer, dataset_id("warehouse", f"t{number}"))


def test_what_only_a_job_event_declares_is_current(as_viewer: Client, sender: Sender) -> None:
    fields = {"job": {"namespace": "n", "name": "declared"}, "producer": "https://example.com", "outputs": []}
    for seconds, name in ((0, "before"), (60, "now")):
        sender.send(json.dumps({"eventTime": at(seconds), **fields, "inputs": [dataset(name)]}).encode())
    assert "Read by 1 job declared" in page_of(as_viewer, dataset_id("warehouse", "now"))
    assert "Read by 0 jobs, and 1 earlier" in page_of(as_viewer, dataset_id("warehouse", "before"))


def test_what_is_only_referenced(as_viewer: Client, sender: Sender) -> None:
    sender.send(complete("load", 1, inputs=[dataset("t", dataSource={"name": "db", "uri": "db"})]))
    assert "Referenced only" in page_of(as_viewer, dataset_id("warehouse", "t"))
    sender.send(complete("load", 2, inputs=[dataset("t", documentation={"description": "T."})]))
    assert "Referenced only" not in page_of(as_viewer, dataset_id("warehouse", "t"))


def test_names_that_may_mean_one_table_are_a_hint(as_viewer: Client, sender: Sender) -> None:
    sender.send(complete("load", 1, inputs=[dataset("Orders"), dataset("orders")]))
    shown = page_of(as_viewer, dataset_id("warehouse", "orders"))
    assert "Perhaps the same table" in shown
    assert "Orders in warehouse" in shown


def test_partitions_lead_to_one_another(as_viewer: Client, sender: Sender) -> None:
    sender.send(complete("load", 1, outputs=[dataset(f"lake/orders/day={day}") for day in range(31)]))
    id_ = dataset_id("warehouse", "lake/orders/day=7")
    assert "Partitions 31 partitions" in page_of(as_viewer, id_)
    base = Dataset.objects.get(id=id_).base_id
    assert text_of(as_viewer, f"/datasets?base={base}").count("lake/orders/day=") == 31


def test_results_of_tests_in_runs_of_their_own_are_one_round(as_viewer: Client, sender: Sender) -> None:
    """Some senders run each test by itself, under the run of the command."""

    def test_run(number: int, parent: int, column: str, *, success: bool) -> bytes:
        of_parent = {"parent": {"run": {"runId": str(uuid.UUID(int=parent))}, "job": {"namespace": "n", "name": "c"}}}
        found = {"assertions": [{"assertion": "not_null", "column": column, "success": success, "actual": "1"}]}
        tested = {**dataset("t"), "inputFacets": {"dataQualityAssertions": found}}
        return complete(f"test.{column}", number, number, run_facets=of_parent, inputs=[tested])

    sender.send(test_run(1, 50, "a", success=False), test_run(2, 50, "gone", success=False))
    sender.send(test_run(3, 51, "a", success=True), test_run(4, 51, "b", success=True))
    assert "Tests 2 passed" in page_of(as_viewer, dataset_id("warehouse", "t"))


def test_there_is_no_such_dataset(as_viewer: Client, sender: Sender) -> None:
    sender.send(complete("load", 1, outputs=[dataset("t")]))
    sender.connection.removed_at = LAST
    sender.connection.save()
    assert as_viewer.get(f"/datasets/{dataset_id('warehouse', 't')}").status_code == 404
    assert "No datasets yet" in text_of(as_viewer, "/datasets")


# --- The list


@pytest.mark.usefixtures("shop")
def test_the_list_says_who_writes_each(as_viewer: Client) -> None:
    shown = text_of(as_viewer, "/datasets")
    assert f"{ORDERS} {WAREHOUSE} fct_orders +1 1 h ago 41,300,000 1 of 6 failed" in shown
    assert f"raw.orders {WAREHOUSE} no job \N{EN DASH} \N{EN DASH} \N{EN DASH}" in shown


def test_filters_of_the_list(as_viewer: Client) -> None:
    one, other = make_sender().connection, make_sender().connection
    for connection, name, namespace in (
        (one, "a.Orders", "db"),
        (other, "b.orders", "lake"),
        (other, "a.Orders", "db"),
    ):
        save_dataset(connection, name, namespace)

    def names(query: str) -> list[str]:
        return re.findall(r"\b[ab]\.[Oo]rders", text_of(as_viewer, f"/datasets{query}").partition("Tests")[2])

    assert names("") == ["a.Orders", "b.orders"]
    assert names("?q=ORDERS+b") == ["b.orders"]
    assert names(f"?connection={one.pk}") == ["a.Orders"]
    assert names("?namespace=lake") == ["b.orders"]
    assert "No dataset matches" in text_of(as_viewer, "/datasets?q=zzz")


def test_pages_of_the_list(as_viewer: Client) -> None:
    connections = [make_sender().connection for _ in range(2)]
    Dataset.objects.bulk_create(make_dataset(one, f"t{n:03}") for one in connections for n in range(120))
    path, names = "/datasets", []
    while path:
        content = as_viewer.get(path).content.decode()
        names += re.findall(r'title="(t\d+)"', content)
        found = re.search(r'rel="next" href="([^"]+)"', content)
        path = html.unescape(found[1]) if found else ""
    assert names == [f"t{n:03}" for n in range(120)]


def test_the_number_of_queries_does_not_grow(as_viewer: Client, after_built_events: None) -> None:
    sender = make_sender()

    def send(first: int, last: int) -> None:
        checks = {"dataQualityAssertions": {"assertions": [{"assertion": "unique", "success": True}]}}
        for number in range(first, last):
            symlink = {"identifiers": [{"namespace": "hive", "name": f"h{number}", "type": "TABLE"}]}
            schema = {"fields": [{"name": "id", "type": f"int{number}"}]}
            lineage = {
                "fields": {"id": {"inputFields": [{"namespace": "warehouse", "name": f"t{number}", "field": "id"}]}}
            }
            facets: dict[str, Any] = {"schema": schema, "symlinks": symlink, "columnLineage": lineage}
            counted = {"outputStatistics": {"rowCount": number}}
            tables = [{**dataset(name, **facets), "outputFacets": counted} for name in ("same", f"t{number}")]
            tested = [{**dataset("same"), "inputFacets": checks}]
            sender.send(complete(f"job {number}", number + 1, number, inputs=tested, outputs=tables))

    def queries(path: str) -> int:
        with CaptureQueriesContext(database) as found:
            assert as_viewer.get(path).status_code == 200
        return len(found)

    send(0, 2)
    paths = ("/datasets", f"/datasets/{dataset_id('warehouse', 'same')}?all=jobs")
    few = [queries(path) for path in paths]
    # All on one page: the names of those on other pages would be looked up.
    send(2, 20)
    assert [queries(path) for path in paths] == few


def test_names_on_other_pages_are_links(as_viewer: Client, sender: Sender, after_built_events: None) -> None:
    tested = {"dataQualityAssertions": {"assertions": [{"assertion": "unique", "success": True}]}}
    sender.send(complete("load", 1, inputs=[{**dataset("raw"), "inputFacets": tested}], outputs=[dataset("t")]))
    job = Job.objects.get()
    for page in (
        reverse("job", args=[sender.connection.pk, job.id]),
        reverse("run", args=[sender.connection.pk, uuid.UUID(int=1)]),
    ):
        content = as_viewer.get(page).content.decode()
        for name in ("raw", "t"):
            assert f'href="/datasets/{dataset_id("warehouse", name)}"' in content


def test_a_blank_name_can_be_seen_and_followed(as_viewer: Client, sender: Sender) -> None:
    bucket = {"namespace": "s3://bucket", "name": " ", "facets": {}}
    sender.send(
        run_event("COMPLETE", run=str(uuid.UUID(int=5)), job="export", inputs=[dataset("orders")], outputs=[bucket])
    )
    id_, run = dataset_id("s3://bucket", " "), Run.objects.get()
    link = rf'href="/datasets/{id_}"[^>]*>(<svg class="icon[^/]*/use></svg>\s*<span>)?<span class="secondary">\(no name'
    of_job = reverse("job", args=[run.connection_id, run.job_id])
    of_run = reverse("run", args=[run.connection_id, run.run_id])
    for page in ("/datasets", of_job, of_run):
        assert re.search(link, html_of(as_viewer.get(page)), re.DOTALL), page
    assert "<title>(no name)" in html_of(as_viewer.get(f"/datasets/{id_}"))
    assert 'aria-label="(no name): Written' in html_of(as_viewer.get(f"/lineage?node=dataset:{id_}"))
