"""The Connections pages as people use them: by mouse, by keyboard, without scripts."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from connections.models import Connection
from tests.browser.rows import add_connection

OpenPage = Callable[..., Page]
SETTINGS = re.compile(r"/connections/[\w-]+/settings$")


@pytest.fixture
def connection(product: object) -> Connection:
    return add_connection("Airflow production", jobs=14, keys=2, with_event=True)


def menu_button(page: Page, name: str = "Airflow production") -> Locator:
    return page.get_by_label(f"More actions for {name}")


def test_add_by_mouse(open_page: OpenPage, editor: User) -> None:
    page = open_page(user=editor)
    page.get_by_role("link", name="Add connection").first.click()
    dialog = page.get_by_role("dialog", name="Add connection")
    dialog.get_by_label("Display name").fill("dbt marketing")
    dialog.get_by_text("dbt Core with OpenLineage").click()
    dialog.get_by_role("button", name="Add connection").click()
    expect(page).to_have_url(SETTINGS)
    assert Connection.objects.get().type == "dbt"


def test_add_by_keyboard(open_page: OpenPage, editor: User, connection: Connection) -> None:
    page = open_page(user=editor)
    opener = page.get_by_role("link", name="Add connection")
    opener.focus()
    page.keyboard.press("Enter")
    name = page.get_by_role("dialog").get_by_label("Display name")
    expect(name).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    expect(name).to_be_focused()
    page.keyboard.type("AIRFLOW production")
    page.keyboard.press("Enter")
    expect(page.get_by_text("There is a connection with this name already.")).to_be_visible()
    expect(name).to_be_focused()
    expect(name).to_have_value("AIRFLOW production")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Spark")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(SETTINGS)
    assert Connection.objects.get(name="Spark").type == "openlineage"


def test_rename_by_keyboard(open_page: OpenPage, editor: User, connection: Connection) -> None:
    page = open_page("/connections?sort=-jobs", editor)
    menu_button(page).focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Rename connection")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Remove connection")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu_button(page)).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    name = page.get_by_role("dialog", name="Rename connection").get_by_label("Display name")
    expect(name).to_have_value("Airflow production")
    page.keyboard.press("Escape")
    expect(menu_button(page)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(name).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Airflow main")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Airflow main", exact=True)).to_be_visible()
    expect(page.get_by_text("Renamed to Airflow main.")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/connections\?sort=-jobs$"))


def test_remove_by_mouse(open_page: OpenPage, editor: User, connection: Connection) -> None:
    page = open_page(user=editor)
    menu_button(page).click()
    page.get_by_role("link", name="Remove connection").click()
    dialog = page.get_by_role("dialog", name="Remove connection")
    expect(dialog).to_contain_text("14 jobs, 0 runs, 2 keys")
    expect(dialog).to_contain_text("This cannot be undone.")
    remove = dialog.get_by_role("button", name="Remove connection")
    dialog.get_by_label("Type the name to confirm").fill("something else")
    remove.click()
    expect(dialog).to_contain_text("This is not the connection's name.")
    assert Connection.objects.live().exists()
    dialog.get_by_label("Type the name to confirm").fill("Airflow production")
    remove.click()
    expect(page.get_by_text("Airflow production was removed.")).to_be_visible()
    expect(page.get_by_text("Connect your first orchestrator")).to_be_visible()


def test_a_menu_closes_by_a_click_elsewhere(open_page: OpenPage, editor: User, connection: Connection) -> None:
    page = open_page(user=editor)
    menu_button(page).click()
    expect(page.get_by_role("link", name="Rename connection")).to_be_visible()
    page.get_by_role("heading", name="Connections", exact=True).click()
    expect(page.get_by_role("link", name="Rename connection")).to_be_hidden()


def test_without_scripts(open_page: OpenPage, editor: User, connection: Connection) -> None:
    page = open_page(user=editor, scripts=False)
    page.get_by_role("link", name="Add connection").click()
    page.get_by_label("Display name").fill("airflow production")
    page.get_by_role("button", name="Add connection").click()
    expect(page.get_by_text("There is a connection with this name already.")).to_be_visible()
    page.get_by_label("Display name").fill("Second")
    page.get_by_role("button", name="Add connection").click()
    expect(page).to_have_url(SETTINGS)

    page.goto("/connections")
    page.get_by_role("link", name="Setup incomplete").click()
    expect(page.locator(".connection-rows .line-name")).to_have_text(["Second"])
    page.get_by_role("link", name="All").click()
    page.get_by_label("Search connections by name").fill("airf")
    page.keyboard.press("Enter")
    expect(page.locator(".connection-rows .line-name")).to_have_text(["Airflow production"])

    menu_button(page).click()
    page.get_by_role("link", name="Rename connection").click()
    page.get_by_label("Display name").fill("Airflow main")
    page.get_by_role("button", name="Rename").click()
    page.goto("/connections")
    menu_button(page, "Airflow main").click()
    page.get_by_role("link", name="Remove connection").click()
    page.get_by_label("Type the name to confirm").fill("Airflow main")
    page.get_by_role("button", name="Remove connection").click()
    expect(page.locator(".connection-rows .line-name")).to_have_text(["Second"])


def test_filter_sort_and_search_are_in_the_url(open_page: OpenPage, viewer: User) -> None:
    add_connection("alpha", with_event=True, jobs=1)
    add_connection("beta", "dbt", with_event=True, jobs=3)
    add_connection("gamma", "dbt")
    page = open_page(user=viewer)
    rows = page.locator(".connection-rows .line-name")
    page.get_by_role("link", name="Connected 2").click()
    expect(rows).to_have_text(["alpha", "beta"])
    expect(page).to_have_url(re.compile(r"\?status=connected$"))
    page.get_by_role("main").get_by_role("link", name="Jobs").click()
    expect(rows).to_have_text(["beta", "alpha"])
    expect(page.get_by_role("columnheader", name="Jobs")).to_have_attribute("aria-sort", "descending")
    search = page.get_by_label("Search connections by name")
    search.press_sequentially("alp")
    expect(rows).to_have_text(["alpha"])
    expect(search).to_be_focused()
    expect(search).to_have_value("alp")
    expect(page).to_have_url(re.compile(r"\?status=connected&sort=-jobs&q=alp$"))
    page.reload()
    expect(rows).to_have_text(["alpha"])
    page.get_by_role("link", name="All 1").click()
    expect(page).to_have_url(re.compile(r"\?q=alp&sort=-jobs$"))
    page.go_back()
    expect(page.get_by_role("link", name="Connected 1")).to_have_attribute("aria-current", "true")
