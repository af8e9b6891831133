"""Pages show times by the reader's clock: that of the browser, or another that was chosen."""

import re
from collections.abc import Callable

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.browser.rows import add_connection

OpenPage = Callable[..., Page]


def test_the_clock_of_the_browser_and_another_one(open_page: OpenPage, viewer: User) -> None:
    add_connection("alpha", with_event=True)
    page = open_page("/sign-in", viewer)
    page.context.clear_cookies(name="browser-time-zone")
    page.context.new_cdp_session(page).send("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Kolkata"})
    page.goto("/connections")
    foot = page.locator(".page-foot")
    # Chromium has the old name.
    expect(foot).to_have_text(re.compile(r"^\s*Times are in\s+Asia/(Calcutta|Kolkata)\s+\(UTC\+5:30\)\.\s*$"))
    page.locator(".column-last_event .ago").focus()
    exact = page.get_by_role("tooltip").first
    expect(exact.locator("span").first).to_have_text(re.compile(r"\+05:30$"))
    expect(exact.locator("span").last).to_have_text(re.compile("UTC$"))
    page.keyboard.press("Escape")
    expect(exact).to_be_hidden()
    # The line that says when the page was updated goes by it, too.
    page.get_by_role("link", name="Refresh").click()
    hour = page.evaluate("new Date().toLocaleTimeString('sv-SE').slice(0, 2)")
    expect(page.get_by_text(re.compile(f"^Last updated {hour}:"))).to_be_visible()
    page.locator("#page-zone").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Show times in").select_option("America/St_Johns")
    dialog.get_by_role("button", name="Save").click()
    expect(foot).to_contain_text("America/St_Johns")
    # The focus is back at what opened the dialog, although the page was loaded again.
    expect(page.locator("#page-zone")).to_be_focused()


def test_without_scripts_times_are_in_utc_until_another_clock_is_chosen(open_page: OpenPage, viewer: User) -> None:
    page = open_page(user=viewer, scripts=False)
    expect(page.locator(".page-foot")).to_have_text(re.compile(r"^\s*Times are in\s+UTC\.\s*$"))
    page.locator("#page-zone").click()
    page.get_by_label("Show times in").select_option("Asia/Tokyo")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".page-foot")).to_contain_text("Asia/Tokyo (UTC+9)")


def test_the_focus_comes_back_after_a_dialog_did_its_work(open_page: OpenPage, editor: User) -> None:
    add_connection("alpha")
    page = open_page(user=editor)
    page.get_by_label("More actions for alpha").click()
    page.get_by_role("link", name="Rename connection").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Display name").fill("beta")
    dialog.get_by_role("button", name="Rename").click()
    expect(page.get_by_label("More actions for beta")).to_be_focused()
    # The message floats, and goes when it is closed.
    message = page.get_by_text("Renamed to beta.")
    expect(message).to_be_visible()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(message).to_have_count(0)
