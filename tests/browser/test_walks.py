"""Walking through the pages as readers do: Back and Reload keep what was chosen, and a refresh what was opened."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from lineage.models import Job, Run
from tests.browser.accessibility import ZOOMED, assert_accessible, first_load
from tests.browser.test_accessibility import MOST_BYTES
from tests.browser.test_run import press_until_focused
from tests.lineage.build import run_event
from tests.lineage.conftest import Sender, make_sender

OpenPage = Callable[..., Page]
DAG = "00000000-0000-0000-0000-0000000000da"
TRACE = "Traceback (most recent call last):\n  File load.py, line 7\nValueError: no orders"
TASKS = ("wait_for_source", "extract", "load", "a_word_that_cannot_be_broken_anywhere_" * 4)


@pytest.fixture
def sender(product: object) -> Sender:
    """A DAG run of four tasks, two of which failed; two more never ran."""
    sender, now = make_sender(), timezone.now()
    graph = {"load": {"downstream_task_ids": ["publish"]}, "publish": {"downstream_task_ids": ["notify"]}}
    dag_facets = {"jobType": {"jobType": "DAG", "integration": "AIRFLOW"}, "airflow": {"tasks": graph}}
    began = now - timedelta(minutes=30)
    sender.send(run_event("START", began.isoformat(), run=DAG, job="shop", job_facets=dag_facets), now=now)
    for number, task in enumerate(TASKS):
        for type_, minutes in (("START", number), ("FAIL" if number >= 2 else "COMPLETE", number + 3)):
            at = (began + timedelta(minutes=minutes)).isoformat()
            sender.send(task_event(type_, at, number, task), now=now)
    states = {"load": "failed", "publish": "upstream_failed", "notify": "upstream_failed"}
    facets = {
        "airflowState": {"tasksState": states},
        "errorMessage": {"message": "task_failure", "programmingLanguage": "python"},
    }
    end = (began + timedelta(minutes=9)).isoformat()
    sender.send(run_event("FAIL", end, run=DAG, job="shop", run_facets=facets, job_facets=dag_facets), now=now)
    return sender


def task_event(type_: str, at: str, number: int, task: str) -> bytes:
    facets: dict[str, object] = {"parent": {"run": {"runId": DAG}, "job": {"namespace": "namespace", "name": "shop"}}}
    if type_ == "FAIL":
        facets["errorMessage"] = {
            "message": f"{task} broke.\nat line 3",
            "programmingLanguage": "python",
            "stackTrace": TRACE,
        }
    job_facets = {"jobType": {"jobType": "TASK", "integration": "AIRFLOW"}}
    run = f"00000000-0000-0000-0000-{number:012}"
    return run_event(type_, at, run=run, job=f"shop.{task}", run_facets=facets, job_facets=job_facets)


def url(sender: Sender, rest: str = "") -> str:
    return f"/connections/{sender.connection.pk}{rest}"


def test_three_clicks_through_the_dag_run(open_page: OpenPage, editor: User, sender: Sender) -> None:
    page = open_page("/connections", editor)
    page.get_by_role("link", name=sender.connection.name).first.click()
    page.get_by_role("link", name="Latest run of shop: failed").click()
    page.locator("#failed-title + *, .failed-rows").get_by_role("link", name="load", exact=True).click()
    expect(page.get_by_label("Stack trace", exact=True)).to_contain_text("ValueError: no orders")


def test_from_now_to_the_stack_trace_by_keyboard_and_without_scripts(
    open_page: OpenPage, editor: User, sender: Sender
) -> None:
    page = open_page("/", editor, scripts=False)
    press_until_focused(page, re.compile("load broke"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Stack trace", exact=True)).to_be_in_viewport()
    # By the grid of the DAG's page.
    dag = Job.objects.of(sender.connection).get(name="shop")
    page.goto(url(sender, f"/jobs/{dag.id}"))
    page.get_by_role("link", name=re.compile("^load, .*: failed")).click()
    expect(page.get_by_label("Stack trace", exact=True)).to_be_in_viewport()


def test_from_a_task_that_never_ran_to_the_one_to_blame(open_page: OpenPage, editor: User, sender: Sender) -> None:
    page = open_page(url(sender, f"/runs/{DAG}"), editor)
    page.get_by_role("link", name=re.compile("^Upstream failed")).click()
    expect(page.locator(".timeline-rows tbody tr")).to_have_count(2)
    expect(page.locator(".timeline-rows")).to_contain_text("never ran: load failed before it")
    page.get_by_role("link", name="notify").click()
    expect(page.locator(".run-reasons")).to_have_text("It never ran: load failed before it.")
    page.locator(".run-reasons").get_by_role("link", name="load").click()
    expect(page.get_by_label("Stack trace", exact=True)).to_be_visible()


def test_back_and_reload_keep_the_filters_of_runs(open_page: OpenPage, viewer: User, sender: Sender) -> None:
    page = open_page("/runs", viewer)
    rows = page.locator(".run-rows tbody tr")
    expect(rows).to_have_count(7)
    page.get_by_label("Search runs by the name of their job").fill("shop.load")
    expect(rows).to_have_count(1)
    page.get_by_label("Time", exact=True).select_option("24h")
    expect(page).to_have_url(re.compile(r"q=shop\.load.*range=24h"))
    page.get_by_role("link", name=re.compile("^Failed")).first.click()
    expect(page).to_have_url(re.compile("state=FAILED"))
    page.get_by_role("link", name="shop.load", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("shop.load, ")
    page.go_back()
    for _ in range(2):
        expect(rows).to_have_count(1)
        expect(page.get_by_label("Search runs by the name of their job")).to_have_value("shop.load")
        expect(page.get_by_label("Time", exact=True)).to_have_value("24h")
        expect(page.locator(".chip[aria-current]")).to_contain_text("Failed")
        page.reload()
    page.get_by_role("link", name="Clear filters").click()
    expect(rows).to_have_count(7)
    page.go_back()
    expect(rows).to_have_count(1)


def test_back_and_reload_keep_what_was_unfolded(open_page: OpenPage, viewer: User, sender: Sender) -> None:
    page = open_page(url(sender), viewer)
    page.get_by_role("link", name=re.compile(r"\d+ inside")).click()
    inner = page.locator(".job-inside")
    expect(inner).to_have_count(6)
    page.get_by_role("link", name="shop.load", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("shop.load")
    page.go_back()
    for _ in range(2):
        expect(inner).to_have_count(6)
        page.reload()


def test_back_and_reload_keep_the_state_of_child_runs(open_page: OpenPage, viewer: User, sender: Sender) -> None:
    page = open_page(url(sender, f"/runs/{DAG}"), viewer)
    rows = page.locator(".timeline-rows tbody tr")
    page.get_by_role("link", name=re.compile("^Completed 2$")).click()
    expect(rows).to_have_count(2)
    page.get_by_role("link", name="extract", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("shop.extract, ")
    page.go_back()
    expect(rows).to_have_count(2)
    page.reload()
    expect(rows).to_have_count(2)


def test_a_refresh_keeps_what_was_opened_and_the_focus(open_page: OpenPage, viewer: User, sender: Sender) -> None:
    page = open_page(url(sender, f"/runs/{DAG}"), viewer)
    failed = page.locator(".failed-rows details").first
    failed.locator("summary").click()
    page.locator(".facet summary").first.click()
    failed.locator("summary").focus()
    # Another task fails meanwhile, before the others.
    now = timezone.now()
    sender.send(task_event("FAIL", (now - timedelta(minutes=29)).isoformat(), 9, "early"), now=now)
    expect(page.locator(".failed-rows li").first).to_contain_text("early broke.")
    expect(page.locator(".failed-rows details[open]")).to_have_count(1)
    expect(page.locator(".failed-rows details[open]")).to_contain_text("load broke.")
    expect(page.locator(".failed-rows details[open] summary")).to_be_focused()
    expect(page.locator(".facet[open]")).to_have_count(1)


def test_a_refresh_of_runs_keeps_the_focus_and_the_filters(open_page: OpenPage, viewer: User, sender: Sender) -> None:
    page = open_page("/runs?state=FAILED", viewer)
    expect(page.locator(".run-rows tbody tr")).to_have_count(3)
    page.locator("#run-times summary").click()
    page.get_by_label("From").focus()
    now = timezone.now()
    sender.send(task_event("FAIL", now.isoformat(), 9, "late"), now=now)
    expect(page.locator(".run-rows tbody tr")).to_have_count(4)
    expect(page.locator("#run-times")).to_have_attribute("open", "")
    expect(page.get_by_label("From")).to_be_focused()
    expect(page).to_have_url(re.compile(r"\?state=FAILED$"))


def test_accessible(open_page: OpenPage, viewer: User, sender: Sender) -> None:
    page = open_page(url(sender, f"/runs/{DAG}"), viewer)
    for summary in page.locator(".failed-rows summary").all():
        summary.click()
    assert_accessible(page)
    never_ran = Run.objects.get(connection=sender.connection, job__name="shop.notify")
    job = Job.objects.get(connection=sender.connection, name="shop.notify")
    for path in (f"/runs/{never_ran.id}", f"/jobs/{job.id}", f"/runs/{DAG}?state=UPSTREAM_FAILED"):
        page.goto(url(sender, path))
        assert_accessible(page)


def test_at_200_percent_zoom(open_page: OpenPage, viewer: User, sender: Sender) -> None:
    page = open_page(url(sender, f"/runs/{DAG}"), viewer)
    assert_accessible(page, looks=ZOOMED)
    job = Job.objects.get(connection=sender.connection, name="shop.load")
    page.goto(url(sender, f"/jobs/{job.id}"))
    assert_accessible(page, looks=ZOOMED)


def test_the_heaviest_page_is_small_at_the_first_load(open_page: OpenPage, viewer: User, sender: Sender) -> None:
    page = open_page("/sign-in", viewer)
    sizes = {path: first_load(page, path) for path in (url(sender, f"/runs/{DAG}"), url(sender), "/runs", "/")}
    assert max(sizes.values()) <= MOST_BYTES, sizes


def test_a_narrow_page_fits_while_its_font_is_not_there(open_page: OpenPage, viewer: User, sender: Sender) -> None:
    """The letters of others may be wider."""
    page = open_page("/runs", viewer, width=375)
    page.context.route("**/*.woff2", lambda route: route.abort())
    page.goto(url(sender, f"/runs/{DAG}"))
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
