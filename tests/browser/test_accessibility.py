"""axe-core finds nothing, in light and dark, wide and narrow; nothing scrolls sideways; the first load is small."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.browser.accessibility import ZOOMED, assert_accessible, first_load
from tests.browser.rows import add_connection, add_one_of_each

OpenPage = Callable[..., Page]
MOST_BYTES = 150_000


def test_list_menu_and_dialogs(open_page: OpenPage, editor: User) -> None:
    add_one_of_each()
    page = open_page(user=editor)
    assert_accessible(page)
    page.get_by_label("More actions for Playground").click()
    assert_accessible(page, menu_open=True, part=".menu[open]")
    for item in ("Rename connection", "Remove connection"):
        page.get_by_role("link", name=item).locator("visible=true").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert_accessible(page, part="#dialog")
        page.keyboard.press("Escape")
        page.get_by_label("More actions for Playground").click()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Add connection").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Display name").fill("Playground")
    dialog.get_by_role("button", name="Add connection").click()
    expect(dialog.get_by_text("There is a connection with this name already.")).to_be_visible()
    assert_accessible(page, part="#dialog")


def test_empty_no_results_account_and_full_pages(open_page: OpenPage, editor: User) -> None:
    page = open_page(user=editor)
    assert_accessible(page)
    page.locator("#account > summary").click()
    assert_accessible(page, menu_open=True)
    connection = add_connection("alpha")
    paths = ["/connections?q=zzz", "/connections/add", "/no/such/page", "/account", "/account/password"]
    paths += ["/account/tokens/create", "/time-zone"]
    for path in [*paths, f"/connections/{connection.pk}/rename", f"/connections/{connection.pk}/remove"]:
        page.goto(path)
        assert_accessible(page)


def test_at_200_percent_zoom(open_page: OpenPage, editor: User) -> None:
    add_one_of_each()
    connection = add_connection("alpha", with_event=True, jobs=3)
    page = open_page(user=editor)
    here = f"/connections/{connection.pk}"
    for path in ("/", "/connections", "/jobs", "/runs", "/datasets", here, f"{here}/settings", "/time-zone"):
        page.goto(path)
        assert_accessible(page, looks=ZOOMED)


def test_sign_in(open_page: OpenPage) -> None:
    page = open_page("/sign-in")
    assert_accessible(page)
    page.get_by_label("Username or email").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert_accessible(page)


def test_targets_are_at_least_24_pixels(open_page: OpenPage, editor: User) -> None:
    add_one_of_each()
    page = open_page(user=editor, width=375)
    small = page.evaluate(
        """[...document.querySelectorAll("a, button, summary, input:not([type=hidden])")]
        .filter((e) => e.checkVisibility() && !e.closest(".skip-link, .row-link, thead"))
        .map((e) => [e.getBoundingClientRect(), e.outerHTML.slice(0, 80)])
        .filter(([box]) => box.width < 24 || box.height < 24).map(([box, html]) => html)"""
    )
    assert small == []


def test_nothing_scrolls_sideways(open_page: OpenPage, editor: User) -> None:
    add_one_of_each()
    page = open_page(user=editor)
    for width in (320, 767, 768, 1000, 1120, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_skip_link_leads_past_the_navigation(open_page: OpenPage, viewer: User) -> None:
    page = open_page(user=viewer)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_the_first_load_is_small(open_page: OpenPage, editor: User) -> None:
    """See also test_walks.py."""
    add_one_of_each()
    page = open_page("/sign-in", editor)
    sizes = {path: first_load(page, path) for path in ("/connections", "/lineage", "/connections/add", "/sign-in")}
    assert max(sizes.values()) <= MOST_BYTES, sizes


@pytest.mark.parametrize("scripts", [True, False])
def test_theme(open_page: OpenPage, viewer: User, scripts: bool) -> None:
    page = open_page(user=viewer, theme="dark", scripts=scripts)
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground) if scripts else None
    page.locator("#account > summary").click()
    page.get_by_role("button", name="Light").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    page.locator("#account > summary").click()
    expect(page.get_by_role("button", name="Light")).to_have_attribute("aria-pressed", "true")
    if scripts:
        assert page.evaluate(ground) != dark
