"""The list keeps itself up to date, and leaves alone what the reader is doing."""

import re
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, Response, expect

from connections.actions import end_connection, rename_connection
from tests.browser.rows import add_connection
from tests.lineage.build import run_event
from tests.lineage.conftest import make_sender
from tests.serving import LiveServer

OpenPage = Callable[..., Page]
FRAGMENT = re.compile(r"/connections$")


def is_refresh(response: Response) -> bool:
    return response.request.headers.get("hx-target") == "connection-list"


# Seconds after which an idle page asks: the wait doubles from 5 s to 60 s.
ASKS_AT = (5, 15, 35, 75, 135, 195, 255)


def test_a_new_connection_appears_by_itself(open_page: OpenPage, editor: User) -> None:
    add_connection("alpha")
    page = open_page(user=editor)
    # The reader has a menu open, and the focus in it.
    page.get_by_label("More actions for alpha").click()
    page.keyboard.press("ArrowDown")
    item = page.get_by_role("link", name="Rename connection")
    expect(item).to_be_focused()
    add_connection("beta")
    expect(page.locator(".connection-rows .line-name")).to_have_text(["alpha", "beta"])
    expect(item).to_be_visible()
    expect(item).to_be_focused()


def test_what_is_being_typed_stays(open_page: OpenPage, viewer: User) -> None:
    add_connection("alpha")
    page = open_page(user=viewer)
    search = page.get_by_label("Search connections by name")
    # Typed without the events that would search for it.
    search.focus()
    page.evaluate("document.activeElement.value = 'be'")
    add_connection("beta")
    expect(page.locator(".connection-rows .line-name")).to_have_text(["alpha", "beta"])
    expect(search).to_be_focused()
    expect(search).to_have_value("be")


def test_the_button_refreshes_at_once_and_says_when(open_page: OpenPage, viewer: User) -> None:
    page = open_page(user=viewer)
    line = page.get_by_text(re.compile(r"^Last updated \d\d:\d\d:\d\d$"))
    expect(line).to_be_visible()
    add_connection("alpha")
    page.reload()
    # Sooner than the first refresh by itself, after 5 seconds.
    with page.expect_response(is_refresh, timeout=3_000):
        page.get_by_role("link", name="Refresh").click()
    expect(line).to_be_visible()


def test_an_idle_page_asks_less_and_less_and_is_sent_nothing_again(open_page: OpenPage, viewer: User) -> None:
    connection = add_connection("alpha")
    page = open_page(user=viewer)
    page.clock.install()
    page.reload(wait_until="networkidle")
    statuses: list[int] = []
    sizes: list[int] = []
    # Playwright says 200 where the browser shows what it had kept.
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.on("Network.responseReceivedExtraInfo", lambda answer: statuses.append(answer["statusCode"]))
    wire.on("Network.loadingFinished", lambda answer: sizes.append(answer["encodedDataLength"]))
    page.reload(wait_until="networkidle")
    for second in range(1, 301):
        with nullcontext() if second not in ASKS_AT else page.expect_response(is_refresh):
            page.clock.run_for(1000)
    assert set(statuses) == {304}
    # With the page, and the count of problems each minute.
    assert len(statuses) <= 2 + len(ASKS_AT) + 5
    assert sum(sizes) < 10_000
    # A change brings it back to the shortest wait.
    rename_connection(connection=connection, name="beta", now=timezone.now())
    page.clock.run_for(60_000)
    expect(page.get_by_role("link", name="beta", exact=True).first).to_be_visible()
    with page.expect_response(is_refresh):
        page.clock.run_for(5_000)


def test_a_page_says_that_its_subject_was_removed_elsewhere(open_page: OpenPage, viewer: User) -> None:
    connection = add_connection("alpha", with_event=True)
    page = open_page(f"/connections/{connection.pk}", viewer)
    end_connection(connection=connection, now=timezone.now())
    page.get_by_role("link", name="Refresh").click()
    expect(page.get_by_role("alert")).to_contain_text("somebody removed it")
    expect(page.get_by_text("No longer updated")).to_be_visible()
    # What was known stays; the button leads to the address, where nothing is any more.
    expect(page.get_by_role("heading", name="alpha")).to_be_visible()
    page.get_by_role("link", name="Refresh").click()
    expect(page.get_by_role("heading", name="Page not found")).to_be_visible()


def test_a_hidden_tab_does_not_ask(open_page: OpenPage, viewer: User) -> None:
    page = open_page(user=viewer)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.install()
    page.reload()
    page.wait_for_load_state("networkidle")
    asked.clear()
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.clock.fast_forward(60_000)
    page.evaluate("fetch('/connections?marker')")
    assert [url for url in asked if FRAGMENT.search(url)] == []
    with page.expect_response(is_refresh):
        page.evaluate(
            "Object.defineProperty(document, 'hidden', {value: false});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )


def test_an_ended_session_leads_to_sign_in_and_back(open_page: OpenPage, viewer: User, product: LiveServer) -> None:
    page = open_page("/connections?sort=-jobs", viewer)
    page.context.clear_cookies()
    page.get_by_role("link", name="Refresh").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Username or email").fill("viewer")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{product.url}/connections?sort=-jobs")


def test_a_server_that_does_not_answer_is_said(open_page: OpenPage, viewer: User) -> None:
    page = open_page(user=viewer)
    page.route("**/connections", lambda route: route.fulfill(status=502, body="Bad gateway"))
    page.get_by_role("link", name="Refresh").click()
    expect(page.get_by_text("Not updated: no answer")).to_be_visible()
    page.unroute("**/connections")
    page.get_by_role("link", name="Refresh").click()
    expect(page.get_by_text("Last updated")).to_be_visible()


def test_times_since_go_on_without_an_answer(open_page: OpenPage, viewer: User) -> None:
    sender = make_sender()
    start = timezone.now() - timedelta(minutes=5, seconds=30)
    sender.send(run_event("START", start.isoformat()), now=timezone.now())
    page = open_page("/runs", viewer)
    since = page.locator("#runs .ago time").first
    expect(since).to_have_text("5 min ago")
    page.clock.install()
    page.reload(wait_until="networkidle")
    page.route("**/*", lambda route: route.fulfill(status=304))
    page.clock.fast_forward(60_000)
    expect(since).to_have_text("6 min ago")
