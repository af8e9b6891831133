"""Ways from Connections to the reason of a task's failure, by mouse and keyboard; and a run's page in browsers."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from lineage.models import Run
from tests.browser.accessibility import assert_accessible
from tests.conftest import SAMPLES
from tests.lineage.build import run_event
from tests.lineage.conftest import Sender, make_sender

OpenPage = Callable[..., Page]
LONG = "a_word_that_cannot_be_broken_anywhere_" * 6
UNKNOWN = "00000000-0000-0000-0000-0000000000ff"


@pytest.fixture
def sender(product: object) -> Sender:
    """An Airflow whose scheduler ran a DAG with a failing task."""
    sender = make_sender()
    sender.send(*lines("airflow-scheduler"))
    return sender


def lines(sample: str) -> list[bytes]:
    return Path(SAMPLES / f"{sample}.jsonl").read_bytes().splitlines()


def url(sender: Sender, run: object) -> str:
    return f"/connections/{sender.connection.pk}/runs/{run}"


def failed_task(sender: Sender) -> Run:
    failed = Run.objects.of(sender.connection).filter(state="FAILED", error_message__isnull=False)
    first: Run = failed.order_by("run_at")[0]
    return first


def test_three_clicks_from_connections_to_the_stack_trace(open_page: OpenPage, editor: User, sender: Sender) -> None:
    page = open_page("/connections", editor)
    page.get_by_role("link", name=sender.connection.name).first.click()
    page.get_by_role("link", name=re.compile(r"inside, \d+ failing")).first.click()
    page.get_by_role("link", name=re.compile(r"Latest run of \w+\.\S+: failed")).first.click()
    expect(page.get_by_label("Stack trace", exact=True)).to_contain_text("Traceback (most recent call last)")
    expect(page.get_by_label("Stack trace", exact=True)).to_be_in_viewport()


def test_the_same_by_keyboard(open_page: OpenPage, editor: User, sender: Sender) -> None:
    page = open_page("/connections", editor)
    press_until_focused(page, re.compile(sender.connection.name))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/connections/{sender.connection.pk}$"))
    press_until_focused(page, re.compile(r"inside,\s+\d+ failing"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=re.compile(r"Latest run of \w+\.\S+: failed")).first).to_be_visible()
    press_until_focused(page, re.compile(r"Latest run of \w+\.\S+: failed"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/*")
    trace = page.get_by_label("Stack trace", exact=True)
    expect(trace).to_contain_text("Traceback")
    # Longer than its box: the keyboard reaches and scrolls it.
    for _ in range(60):
        page.keyboard.press("Tab")
        if trace.evaluate("e => e === document.activeElement"):
            break
    expect(trace).to_be_focused()
    page.keyboard.press("End")
    expect(trace).not_to_have_js_property("scrollTop", 0)


def press_until_focused(page: Page, name: "re.Pattern[str]") -> None:
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
        )
        if name.search(focused or ""):
            return
    raise AssertionError(f"Tab never reaches {name.pattern}")


def test_a_running_run_ends_by_itself_and_keeps_what_was_opened(
    open_page: OpenPage, viewer: User, product: object
) -> None:
    sender, now = make_sender(), timezone.now()
    start = (now - timedelta(minutes=5)).isoformat()
    sender.send(run_event("START", start, run=UNKNOWN, run_facets={"custom": {"answer": 42}}), now=now)
    page = open_page(url(sender, UNKNOWN), viewer)
    expect(page.locator(".run-verdict")).to_contain_text("Running")
    page.locator(".facet summary").get_by_text("custom").click()
    error = {"errorMessage": {"message": "Boom.", "programmingLanguage": "python"}}
    sender.send(run_event("FAIL", now.isoformat(), run=UNKNOWN, run_facets=error), now=now)
    expect(page.get_by_label("Error message", exact=True)).to_have_text("Boom.")
    expect(page.locator(".run-verdict")).to_contain_text("Failed")
    # Exact: the clock may show 42 too.
    expect(page.locator(".facet").get_by_text("42", exact=True)).to_be_visible()


def test_large_events_are_read_once_the_page_is_there(open_page: OpenPage, editor: User, product: object) -> None:
    sender, now = make_sender(), timezone.now()
    facets = {
        "errorMessage": {"message": "Boom.", "programmingLanguage": "java", "stackTrace": "at line 3"},
        "plan": {"text": "x" * 2_000_000},
    }
    sender.send(run_event("FAIL", now.isoformat(), run=UNKNOWN, run_facets=facets), now=now)
    page = open_page(url(sender, UNKNOWN), editor)
    expect(page.get_by_label("Stack trace", exact=True)).to_have_text("at line 3")
    without = open_page(url(sender, UNKNOWN), editor, scripts=False)
    expect(without.get_by_label("Error message", exact=True)).to_have_text("Boom.")
    without.get_by_role("link", name="Read more of them").click()
    expect(without.get_by_label("Stack trace", exact=True)).to_have_text("at line 3")


def test_an_event_is_copied_and_downloaded(open_page: OpenPage, editor: User, sender: Sender) -> None:
    run = failed_task(sender)
    page = open_page(url(sender, run.run_id), editor)
    page.get_by_role("link", name="FAIL", exact=True).click()
    expect(page.get_by_label("The event, indented")).to_contain_text('{\n  "eventTime"')
    page.get_by_role("link", name="As received").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#toast")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.encode() in lines("airflow-scheduler")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download JSON").click()
    assert download.value.path().read_bytes() == copied.encode()


def test_accessible(open_page: OpenPage, viewer: User, sender: Sender) -> None:
    sender.send(*lines("dbt-build-fail"), run_event("FAIL", run=UNKNOWN, job=LONG, run_facets=broken()))
    runs = Run.objects.of(sender.connection)
    dag = runs.filter(job__kind="DAG").order_by("run_at")[0]
    # Of dbt-build-fail: one failed, two passed.
    tests = "01a1faaa-b005-7b4d-a432-501d0ce135dd"
    page = open_page(url(sender, failed_task(sender).run_id), viewer)
    for summary in page.locator(".facet > summary").all():
        summary.click()
    assert_accessible(page)
    for run in (dag.run_id, tests, UNKNOWN, UNKNOWN.replace("ff", "fe")):
        page.goto(url(sender, run))
        assert_accessible(page)
    page.goto(url(sender, dag.run_id))
    page.locator(".event-rows .row-link").first.click()
    assert_accessible(page)


def broken() -> dict[str, object]:
    error = {"message": LONG, "programmingLanguage": LONG, "stackTrace": 5}
    return {"errorMessage": error, LONG: {LONG: LONG}, "externalQuery": {"externalQueryId": LONG, "source": "x"}}
