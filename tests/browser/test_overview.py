"""A connection's pages in a browser: they keep up to date, keep what the reader is doing, and leave nobody out."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from connections.models import Attempt, Connection
from lineage.models import Job, Run, RunState
from tests.browser.accessibility import assert_accessible
from tests.browser.rows import add_connection
from tests.lineage.settling import settle_rows
from tests.web.rows import job, job_that_ran, make_activity, save
from web.guides import GUIDES

OpenPage = Callable[..., Page]
LONG_NAME = "a_word_that_cannot_be_broken_anywhere_" * 5 + "0123456789"


@pytest.fixture
def connection(product: object) -> Connection:
    return add_connection("alpha", with_event=True)


def ran(connection: Connection, name: str, state: str = RunState.COMPLETED, **fields: object) -> Job:
    now = timezone.now()
    times = {"started_at": now - timedelta(minutes=5), "ended_at": now - timedelta(minutes=1)}
    return job_that_ran(connection, name, state, **{**times, **fields})  # type: ignore[arg-type]


def url(connection: Connection, rest: str = "") -> str:
    return f"/connections/{connection.pk}{rest}"


def names(page: Page) -> Locator:
    return page.locator(".job-rows .job-name")


def test_a_job_changes_its_state_by_itself(open_page: OpenPage, viewer: User, connection: Connection) -> None:
    save([ran(connection, "fails", RunState.FAILED), ran(connection, "works")], "Boom.\nat line 3")
    page = open_page(url(connection), viewer)
    expect(names(page)).to_have_text(["fails", "works"])
    page.locator(".job-error summary").click()
    message = page.get_by_label("Error message of fails")
    expect(message).to_have_text("Boom.\nat line 3")
    page.locator("#job-search").focus()
    Run.objects.filter(job__name="works").update(terminal_type=None, ended_at=None, last_event_at=timezone.now())
    settle_rows(connection.pk)
    expect(page.get_by_role("row", name=re.compile("works"))).to_contain_text("Running")
    # What the reader opened stays open, and the focus where it was.
    expect(message).to_be_visible()
    expect(page.locator("#job-search")).to_be_focused()


def test_the_checklist_becomes_the_table(open_page: OpenPage, viewer: User, product: object) -> None:
    connection = add_connection("beta")
    page = open_page(url(connection), viewer)
    expect(page.get_by_role("heading", name="Complete setup to start receiving")).to_be_visible()
    save([ran(connection, "orders")])
    make_activity(connection, at=timezone.now())
    expect(names(page)).to_have_text(["orders"])
    expect(page.locator("#connection-status")).to_contain_text("Connected")


def test_choices_are_in_the_url(open_page: OpenPage, viewer: User, connection: Connection) -> None:
    save(
        [
            ran(connection, "beta", kind="TASK"),
            ran(connection, "alpha", kind="TASK"),
            ran(connection, "dag", kind="DAG"),
        ]
    )
    save([ran(connection, "gamma", RunState.FAILED, kind="TASK")])
    page = open_page(url(connection), viewer)
    page.get_by_role("link", name="Completed 3").click()
    expect(names(page)).to_have_count(3)
    page.get_by_label("Kind", exact=True).select_option("TASK")
    expect(names(page)).to_have_count(2)
    page.get_by_role("link", name="Job", exact=True).click()
    expect(names(page)).to_have_text(["alpha", "beta"])
    page.get_by_label("Search jobs by name").press_sequentially("bet")
    expect(names(page)).to_have_text(["beta"])
    expect(page.get_by_label("Search jobs by name")).to_be_focused()
    page.wait_for_url("**q=bet*")
    page.reload()
    expect(names(page)).to_have_text(["beta"])
    page.get_by_label("Search jobs by name").fill("nothing like it")
    expect(page.get_by_role("heading", name="No job matches")).to_be_visible()
    page.get_by_role("link", name="Show all jobs").click()
    expect(names(page)).to_have_count(4)


def test_a_refresh_keeps_the_choices(open_page: OpenPage, viewer: User, connection: Connection) -> None:
    save([ran(connection, "one", RunState.FAILED), ran(connection, "two")])
    page = open_page(url(connection), viewer)
    page.get_by_role("link", name="Failed 1").click()
    expect(names(page)).to_have_text(["one"])
    save([ran(connection, "three", RunState.FAILED, started_at=timezone.now() - timedelta(days=1))])
    page.get_by_role("link", name="Refresh").click()
    expect(names(page)).to_have_text(["one", "three"])
    page.go_back()
    expect(names(page)).to_have_text(["one", "three", "two"])


def test_without_scripts(open_page: OpenPage, viewer: User, connection: Connection) -> None:
    save([ran(connection, "beta", kind="TASK"), ran(connection, "alpha", RunState.FAILED, kind="DAG")], "Boom.\nline 3")
    page = open_page(url(connection), viewer, scripts=False)
    expect(names(page)).to_have_text(["alpha", "beta"])
    page.locator(".job-error summary").click()
    expect(page.get_by_label("Error message of alpha")).to_be_visible()
    page.get_by_role("link", name="Job", exact=True).click()
    page.get_by_label("Search jobs by name").fill("BET")
    page.get_by_role("button", name="Apply").click()
    expect(names(page)).to_have_text(["beta"])
    expect(page).to_have_url(re.compile(r"sort=name&.*q=BET"))
    page.get_by_role("link", name="Refresh").click()
    expect(names(page)).to_have_text(["beta"])


def test_the_guide_keeps_the_focus_on_its_tab(open_page: OpenPage, editor: User, connection: Connection) -> None:
    page = open_page(url(connection, "/settings"), editor)
    tab = page.get_by_role("navigation", name="Sender").get_by_role("link", name="curl")
    tab.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#snippet-start")).to_be_visible()
    expect(tab).to_be_focused()
    expect(tab).to_have_attribute("aria-current", "true")
    expect(page).to_have_url(re.compile(r"\?guide=curl"))


def fill_with_everything(connection: Connection) -> None:
    """Jobs in every state, attempts of every outcome, and names that cannot be broken."""
    states = [RunState.FAILED, RunState.RUNNING, RunState.COMPLETED, RunState.ABORTED, RunState.UNKNOWN]
    jobs = [ran(connection, f"{LONG_NAME}{state}", state, namespace=f"{LONG_NAME}{state}") for state in states]
    save([*jobs, job(connection, "never")], f"{LONG_NAME}\nat line 3")
    for outcome, status, reason in (("stored", 201, ""), ("repeat", 200, ""), ("rejected", 422, LONG_NAME)):
        Attempt.objects.create(
            connection=connection,
            at=timezone.now(),
            outcome=outcome,
            status=status,
            reason=reason,
            job_name=LONG_NAME,
            key_name="scheduler",
        )
    connection.api_keys.update(name=LONG_NAME[:100])


def test_accessible(open_page: OpenPage, editor: User, connection: Connection) -> None:
    fill_with_everything(connection)
    page = open_page(url(connection), editor)
    page.locator(".job-error summary").click()
    assert_accessible(page)


def test_accessible_pages_beside_it(open_page: OpenPage, editor: User, connection: Connection) -> None:
    fill_with_everything(connection)
    waiting = add_connection("beta", keys=0)
    page = open_page(user=editor)
    others = [
        url(connection, "?q=zzz"),
        url(waiting),
        url(waiting, "/settings"),
        url(waiting, "/keys/generate"),
        url(waiting, "/test-event"),
    ]
    for path in others:
        page.goto(path)
        assert_accessible(page)
    for guide in GUIDES:
        page.goto(url(connection, f"/settings?guide={guide.slug}"))
        # Of the first guide the whole page, of the others what differs.
        assert_accessible(page, part=None if guide == GUIDES[0] else "#guide")


def test_accessible_dialogs(open_page: OpenPage, editor: User, connection: Connection) -> None:
    page = open_page(url(connection, "/settings"), editor)
    page.get_by_role("link", name="Delete API key").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_accessible(page, part="#dialog")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Generate API key").click()
    page.get_by_label("Key name").fill("laptop")
    page.get_by_role("button", name="Generate key").click()
    page.get_by_role("dialog").locator("summary").click()
    assert_accessible(page, part="#dialog")


def test_targets_are_at_least_24_pixels(open_page: OpenPage, editor: User, connection: Connection) -> None:
    save([ran(connection, "fails", RunState.FAILED)], "Boom.")
    for path in (url(connection), url(connection, "/settings")):
        page = open_page(path, editor, width=375)
        small = page.evaluate(
            """[...document.querySelectorAll("main a, main button, main summary, main input:not([type=hidden])")]
            .filter((e) => e.checkVisibility() && !e.closest(".breadcrumbs, thead, p"))
            .map((e) => [e.getBoundingClientRect(), e.outerHTML.slice(0, 80)])
            .filter(([box]) => box.width < 24 || box.height < 24).map(([box, html]) => html)"""
        )
        assert small == []
