"""The page of lineage, as a person uses it: with the mouse, with the keyboard, narrow and dark."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from lineage.events.identity import dataset_id
from tests.api.test_lineage import send
from tests.browser.accessibility import assert_accessible
from tests.browser.test_lineage_graph import LINES_THROUGH_NODES
from tests.lineage.graph.walks import run
from tests.serving import LiveServer

ORDERS, CUSTOMERS, FEATURES = (
    f"dataset:{dataset_id('warehouse', name)}"
    for name in ("raw.orders", "raw.customers", "features.customer_revenue_90d")
)
# Such as `column=<id>:discount`.
DISCOUNT = f"column={ORDERS.removeprefix('dataset:')}:discount"
OpenPage = Callable[..., Page]


def made(of: str, **columns: str) -> dict[str, Any]:
    """Facets of a dataset whose columns are made of those of another one."""
    sources = {
        name: {"inputFields": [{"namespace": "warehouse", "name": of, "field": columns[name]}]} for name in columns
    }
    names = [*columns, *(f"column_{number}" for number in range(14))]
    return {"schema": {"fields": [{"name": name} for name in names]}, "columnLineage": {"fields": sources}}


@pytest.fixture
def estate(product: LiveServer) -> None:
    send(
        "Airflow production",
        run(
            *("shop.load_orders", "shop.public.orders", "raw.orders"),
            facets={"raw.orders": made("shop.public.orders", discount="discount", order_id="id")},
        ),
        run("shop.load_customers", "shop.public.customers", "raw.customers"),
        run("shop.load_ads_spend", "ads.v4.campaigns", "raw.ad_spend"),
        run("shop.load_ads_spend", "ads.v4.campaigns", "raw.ad_spend", at_minute=5, type_="FAIL"),
        run("shop.load_sessions", "web.events", "raw.web_sessions"),
    )
    send(
        "Shop warehouse (dbt)",
        run(
            *("fct_orders", "raw.orders raw.customers", "analytics.fct_orders"),
            facets={"analytics.fct_orders": made("raw.orders", net_amount="discount", order_id="order_id")},
        ),
        run("dim_customers", "raw.customers", "analytics.dim_customers"),
        run("stg_campaign_clicks", "raw.ad_spend", "staging.stg_campaign_clicks"),
        run("fct_marketing_cost", "raw.ad_spend raw.web_sessions", "analytics.fct_marketing_cost"),
        run("fct_marketing_cost", "raw.ad_spend", "analytics.fct_marketing_cost", at_minute=60),
        *(run(f"export_{n}", "analytics.dim_customers", f"exports.file_{n}") for n in range(6)),
    )
    send(
        "Spark on EMR",
        run("build_customer_features", "analytics.fct_orders analytics.dim_customers", "features.customer_revenue_90d"),
        run("score_campaigns", "staging.stg_campaign_clicks analytics.fct_marketing_cost", "features.campaign_roi"),
        run("build_weekly_report", "analytics.fct_marketing_cost", "reports.weekly_marketing"),
    )


def test_accessible(open_page: OpenPage, viewer: User, estate: None) -> None:
    page = open_page("/lineage", viewer)
    assert_accessible(page)
    columns = ("&columns=true", f"&columns=true&{DISCOUNT}", "&columns=true&show=table")
    for query in ("", "&view=jobs", "&show=table", *columns, f"&from={ORDERS}&to={FEATURES}"):
        page.goto(f"/lineage?node={ORDERS}&depth=3{query}")
        assert_accessible(page, part="#lineage" if query else None)


def test_from_a_dataset_to_what_it_feeds(open_page: OpenPage, viewer: User, estate: None) -> None:
    """Find it, look at a node, see more of its readers, and go to the run that failed."""
    page = open_page("/lineage", viewer)
    page.get_by_role("searchbox", name="Find a dataset or job").fill("customers")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="raw.customers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Lineage of raw.customers")
    graph = page.get_by_role("group", name="Lineage of raw.customers")
    page.get_by_label("Depth").select_option("Depth 1")
    expect(graph.get_by_role("link", name="analytics.dim_customers:")).to_be_visible()
    expect(graph.get_by_role("link", name="exports.file_0:")).to_have_count(0)
    graph.get_by_role("link", name="more readers of analytics.dim_customers").click()
    expect(graph.get_by_role("link", name="exports.file_0:")).to_be_visible()
    graph.get_by_role("link", name="analytics.dim_customers:").click()
    panel = page.get_by_role("complementary")
    expect(panel.get_by_role("heading", level=2)).to_have_text("analytics.dim_customers")
    panel.get_by_role("link", name="Focus").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Lineage of analytics.dim_customers")


def test_a_link_that_has_the_focus_changes_too(open_page: OpenPage, viewer: User, estate: None) -> None:
    """A link changes the page in place: then it says and draws what its address does."""
    page = open_page(f"/lineage?node=dataset:{dataset_id('warehouse', 'raw.customers')}&depth=1", viewer)
    panel, links = page.get_by_role("complementary"), page.locator("#lineage a")
    panel.get_by_role("link", name="analytics.dim_customers").click()
    expect(panel.get_by_role("heading", level=2)).to_have_text("analytics.dim_customers")
    assert_as_loaded(page, links)
    page.get_by_role("link", name="more readers of analytics.dim_customers").click()
    expect(page.get_by_role("link", name="exports.file_0:")).to_be_visible()
    assert_as_loaded(page, links)


def assert_as_loaded(page: Page, links: Locator) -> None:
    texts = "links => links.map(link => link.getAttribute('href') + ' ' + link.textContent)"
    shown = links.evaluate_all(texts)
    page.reload()
    assert shown == links.evaluate_all(texts)


def test_the_keyboard_alone_opens_a_failed_run(open_page: OpenPage, viewer: User, estate: None) -> None:
    page = open_page(f"/lineage?node=dataset:{dataset_id('warehouse', 'raw.ad_spend')}&depth=1", viewer)
    page.get_by_role("group", name="Lineage of raw.ad_spend").get_by_role("link", name="raw.ad_spend:").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("select=dataset"))
    page.get_by_role("link", name="Open failed run").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/runs/"))


@pytest.mark.parametrize("scripts", [True, False])
def test_the_path_of_a_column(open_page: OpenPage, viewer: User, estate: None, *, scripts: bool) -> None:
    page = open_page(f"/lineage?node={ORDERS}&depth=3", viewer, scripts=scripts)
    page.get_by_role("link", name="Columns", exact=True).click()
    page.get_by_role("link", name="Column net_amount of analytics.fct_orders").click()
    panel = page.get_by_role("complementary")
    expect(panel.get_by_role("link", name="discount of shop.public.orders")).to_be_visible()
    expect(page.locator(".line-column .is-traced")).to_have_count(2)
    assert page.evaluate(LINES_THROUGH_NODES) == []
    panel.get_by_role("link", name="Close path").click()
    expect(page.locator(".is-traced")).to_have_count(0)
    expect(page.locator(".line-column path:not(defs path)")).not_to_have_count(0)


def test_the_focus_is_in_sight_in_a_narrow_window(open_page: OpenPage, viewer: User, estate: None) -> None:
    page = open_page(f"/lineage?node={ORDERS}&depth=3", viewer, width=375)
    expect(page.locator(".graph-canvas .graph-ring")).to_be_in_viewport(ratio=1)


def traced(page: Page) -> set[str]:
    """Names of the nodes that do not stand back."""
    nodes = page.locator(".graph-items > .is-traced .graph-node")
    return {(node.get_attribute("aria-label") or "").partition(":")[0] for node in nodes.all()}


def node(page: Page, name: str) -> Locator:
    return page.locator(".graph-canvas").get_by_role("link", name=f"{name}:")


WAYS = {"raw.customers", "analytics.fct_orders", "analytics.dim_customers", "features.customer_revenue_90d"}


def test_the_pointer_shows_what_leads_to_and_from_a_node(open_page: OpenPage, viewer: User, estate: None) -> None:
    """Then the pin locks the path, and a second pin the ways between the two."""
    page = open_page(f"/lineage?node={CUSTOMERS}&depth=3", viewer)
    node(page, "analytics.fct_orders").hover()
    expect(page.locator(".graph-canvas.is-tracing")).to_be_visible()
    assert traced(page) == {"shop.public.customers", *WAYS} - {"analytics.dim_customers"}
    page.get_by_role("heading", level=1).hover()
    expect(page.locator(".is-tracing")).to_have_count(0)
    for name in ("raw.customers", "features.customer_revenue_90d"):
        node(page, name).hover()
        page.get_by_role("button", name="Lock the path").click()
        expect(page.locator(".graph-lock")).to_have_count(1 if name == "raw.customers" else 2)
    assert traced(page) == WAYS
    expect(page).to_have_url(re.compile("from=.*to="))
    expect(page.get_by_text("All ways from raw.customers to features.customer_revenue_90d")).to_be_visible()
    assert_accessible(page)


def test_keys_lock_a_path_and_clear_it(open_page: OpenPage, viewer: User, estate: None) -> None:
    page = open_page(f"/lineage?node={CUSTOMERS}&depth=3", viewer)
    node(page, "raw.customers").focus()
    page.keyboard.press("p")
    expect(page.locator(".graph-lock")).to_have_count(1)
    expect(node(page, "raw.customers")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(node(page, "raw.customers")).not_to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(node(page, "raw.customers")).to_be_focused()
    node(page, "features.customer_revenue_90d").focus()
    page.keyboard.press("p")
    expect(page.locator(".graph-lock")).to_have_count(2)
    assert traced(page) == WAYS
    page.reload()
    assert traced(page) == WAYS
    page.keyboard.press("Escape")
    expect(page.locator(".is-traced")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("from="))


def test_a_path_without_scripts(open_page: OpenPage, viewer: User, estate: None) -> None:
    page = open_page(f"/lineage?node={CUSTOMERS}&depth=3", viewer, scripts=False)
    for name, words in (("raw.customers", "Path from here"), ("features.customer_revenue_90d", "Path to here")):
        node(page, name).click()
        page.get_by_role("link", name=words).click()
    assert traced(page) == WAYS
    expect(page.get_by_role("button", name="Lock the path")).to_have_count(0)
    page.get_by_role("link", name="Close path").click()
    assert traced(page) == set()


def test_the_picture_as_png(open_page: OpenPage, viewer: User, estate: None) -> None:
    page = open_page(f"/lineage?node={ORDERS}&columns=true", viewer)
    with page.expect_download() as started:
        page.get_by_role("link", name="PNG").click()
    assert started.value.suggested_filename == "lineage-raw.orders.png"
    content = started.value.path().read_bytes()
    canvas = page.locator(".graph-canvas")
    size = [int(canvas.get_attribute(name) or 0) * 2 for name in ("width", "height")]
    # Width and height stand in the first chunk.
    assert [int.from_bytes(content[at : at + 4]) for at in (16, 20)] == size
    assert content.startswith(b"\x89PNG")
