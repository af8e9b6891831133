"""Search by keyboard from anywhere: `/` and Ctrl-K, the list while typing, Enter, Escape; and without scripts."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from connections.models import Connection
from lineage.models import Job, RunState
from tests.browser.accessibility import LOOKS, assert_accessible
from tests.browser.rows import add_connection
from tests.web.rows import job, job_that_ran, save

OpenPage = Callable[..., Page]
LONG_NAME = "a_word_that_cannot_be_broken_anywhere_" * 3


@pytest.fixture
def shop(product: object) -> Connection:
    connection = add_connection("Shop production", with_event=True)
    failed = job_that_ran(connection, "shop.load_orders", RunState.FAILED, kind="TASK")
    save([failed, job(connection, "shop.load_customers", kind="TASK"), job(connection, "other")])
    return connection


def field(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Search connections, jobs and run ids")


def options(page: Page) -> Locator:
    return page.get_by_role("option")


def type_(page: Page, text: str) -> None:
    page.keyboard.press("/")
    expect(field(page)).to_be_focused()
    page.keyboard.type(text)


def test_to_a_job_by_keyboard_alone(open_page: OpenPage, viewer: User, shop: Connection) -> None:
    page = open_page(user=viewer)
    type_(page, "load ord")
    expect(options(page)).to_have_count(2)
    expect(page.locator("#finder-summary")).to_have_text("1 job")
    expect(field(page)).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(options(page).first).to_have_attribute("aria-selected", "true")
    job_option = options(page).first.get_attribute("id") or ""
    expect(field(page)).to_have_attribute("aria-activedescendant", job_option)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("shop.load_orders")


def test_the_arrows_go_round_and_pass_the_text(open_page: OpenPage, viewer: User, shop: Connection) -> None:
    page = open_page(user=viewer)
    type_(page, "load")
    expect(options(page)).to_have_count(3)
    chosen = page.locator("[role=option][aria-selected=true]")
    page.keyboard.press("ArrowUp")
    expect(chosen).to_contain_text("All results for “load”")
    page.keyboard.press("ArrowDown")
    expect(chosen).to_have_count(0)
    page.keyboard.press("ArrowDown")
    expect(chosen).to_contain_text("shop.load_orders")
    # Another text, another list.
    page.keyboard.type(" cust")
    expect(options(page).first).to_contain_text("shop.load_customers")
    expect(chosen).to_have_count(0)


def test_whoever_types_faster_than_the_server_answers_gets_what_they_typed(
    open_page: OpenPage, viewer: User, shop: Connection
) -> None:
    page = open_page(user=viewer)
    type_(page, "load")
    expect(options(page)).to_have_count(3)
    page.keyboard.type(" cust")
    page.keyboard.press("ArrowDown")
    chosen = page.locator("[role=option][aria-selected=true]")
    expect(chosen).to_contain_text("shop.load_customers")
    page.keyboard.type("omers")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search\?q=load\+customers$"))


def test_enter_on_the_text_leads_to_all_results(open_page: OpenPage, viewer: User, shop: Connection) -> None:
    page = open_page(f"/connections/{shop.pk}", viewer)
    type_(page, "load")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/search\?q=load&near={shop.pk}$"))
    expect(page.locator(".hit")).to_have_count(2)
    page.get_by_role("link", name="shop.load_orders").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("shop.load_orders")


@pytest.mark.parametrize("keys", ["/", "Shift+/", "Control+k", "Meta+k"])
def test_escape_gives_the_focus_back(open_page: OpenPage, viewer: User, shop: Connection, keys: str) -> None:
    page = open_page(user=viewer)
    before = page.get_by_role("link", name="Runs", exact=True)
    before.focus()
    page.keyboard.press(keys)
    expect(field(page)).to_be_focused()
    page.keyboard.type("load")
    expect(options(page)).to_have_count(3)
    page.keyboard.press("Escape")
    expect(options(page).first).to_be_hidden()
    expect(before).to_be_focused()
    expect(field(page)).to_have_attribute("aria-expanded", "false")
    # What was typed is still there, to be gone on with.
    page.keyboard.press(keys)
    expect(options(page)).to_have_count(3)


def test_keys_are_left_alone_in_other_fields(open_page: OpenPage, viewer: User, shop: Connection) -> None:
    page = open_page(f"/connections/{shop.pk}", viewer)
    other = page.get_by_label("Search jobs by name")
    other.focus()
    page.keyboard.press("/")
    page.keyboard.press("Control+k")
    expect(other).to_be_focused()
    expect(other).to_have_value("/")


def test_a_click_opens_and_a_click_elsewhere_closes(open_page: OpenPage, viewer: User, shop: Connection) -> None:
    page = open_page(user=viewer)
    field(page).click()
    page.keyboard.type("load")
    expect(options(page)).to_have_count(3)
    page.get_by_role("main").click(position={"x": 700, "y": 600})
    expect(options(page).first).to_be_hidden()
    field(page).click()
    options(page).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("shop.load_orders")


def test_nothing_found(open_page: OpenPage, viewer: User, shop: Connection) -> None:
    page = open_page(user=viewer)
    type_(page, "zzz")
    expect(page.get_by_text("Nothing found for “zzz”")).to_be_visible()
    expect(page.locator("#finder-summary")).to_have_text("Nothing found")
    expect(field(page)).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Backspace")
    expect(page.get_by_text("Nothing found for “zzz”")).to_be_hidden()


def test_a_button_opens_it_in_a_narrow_window(open_page: OpenPage, viewer: User, shop: Connection) -> None:
    page = open_page(user=viewer, width=375)
    expect(field(page)).to_be_hidden()
    page.get_by_role("link", name="Search", exact=True).click()
    expect(field(page)).to_be_focused()
    page.keyboard.type("orders")
    expect(options(page)).to_have_count(2)
    page.keyboard.press("Escape")
    expect(field(page)).to_be_hidden()
    expect(page.get_by_role("link", name="Search", exact=True)).to_be_focused()


@pytest.mark.parametrize("width", [1280, 375])
def test_without_scripts(open_page: OpenPage, viewer: User, shop: Connection, width: int) -> None:
    page = open_page(user=viewer, width=width, scripts=False)
    if width < 768:
        page.get_by_role("link", name="Search", exact=True).click()
        page.get_by_role("main").get_by_role("searchbox").fill("load ord")
    else:
        page.get_by_role("searchbox", name="Search connections, jobs and run ids").fill("load ord")
    page.keyboard.press("Enter")
    expect(page.locator(".hit")).to_have_count(1)
    page.get_by_role("link", name="shop.load_orders").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("shop.load_orders")


def test_the_list_and_the_page_leave_nobody_out(open_page: OpenPage, viewer: User, shop: Connection) -> None:
    save([job_that_ran(shop, f"{LONG_NAME}{kind}", kind=kind, namespace=LONG_NAME) for kind in Job.Kind])
    for width, theme in LOOKS:
        page = open_page(user=viewer, theme=theme, width=width)
        if width < 768:
            page.get_by_role("link", name="Search", exact=True).click()
        field(page).focus()
        for text, answer in (("s", options(page).first), ("zzz", page.get_by_text("Nothing found for “zzz”"))):
            page.keyboard.press("ControlOrMeta+a")
            page.keyboard.type(text)
            expect(answer).to_be_visible()
            page.keyboard.press("ArrowDown")
            # The list covers what lies below until it is closed.
            assert_accessible(page, looks=[(width, theme)], menu_open=True, part="#finder")
    for query in ("", "?q=zzz", "?q=a", "?q=shop"):
        page.goto(f"/search{query}")
        assert_accessible(page)
