"""The page Now in a browser: it keeps up to date, works without scripts and with the keyboard, leaves nobody out."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from connections.models import Attempt, Connection
from lineage.models import Job, Run, RunState
from tests.browser.accessibility import assert_accessible
from tests.browser.rows import add_connection
from tests.web.rows import job_that_ran, save

OpenPage = Callable[..., Page]
LONG_NAME = "a_word_that_cannot_be_broken_anywhere_" * 3 + "0123456789"


@pytest.fixture
def connection(product: object) -> Connection:
    return add_connection("Airflow production", with_event=True)


def failed(connection: Connection, name: str, error: str = "KeyError: 'amount'", **fields: object) -> Job:
    now = timezone.now()
    times = {"started_at": now - timedelta(minutes=5), "ended_at": now - timedelta(minutes=1)}
    (job,) = save([job_that_ran(connection, name, RunState.FAILED, **{**times, **fields})], error)  # type: ignore[arg-type]
    return job


def under_one_dag(connection: Connection, *names: str) -> None:
    """Make a DAG that failed, and tasks of these names that failed for one reason."""
    dag = failed(connection, "shop", "A task failed", kind="DAG")
    tasks = [failed(connection, f"shop.{name}", kind="TASK") for name in names]
    Run.objects.filter(job_id__in=[task.id for task in tasks]).update(
        parent_run_id=dag.latest_run_id, parent_job_namespace="prod", parent_job_name="shop"
    )


def test_a_problem_appears_by_itself(open_page: OpenPage, viewer: User, connection: Connection) -> None:
    page = open_page("/", viewer)
    expect(page.get_by_role("heading", name="All well")).to_be_visible()
    failed(connection, "orders")
    row = page.get_by_role("row", name=re.compile("orders"))
    expect(row).to_contain_text("KeyError: 'amount'")
    expect(page.get_by_role("link", name="Now 1 problem")).to_be_visible()
    # The stack trace's page is one click away; other pages count, too.
    row.get_by_role("link", name="KeyError").click()
    expect(page).to_have_url(re.compile("/runs/"))
    expect(page.get_by_role("link", name="Now 1 problem")).to_be_visible()


def test_with_the_keyboard_and_without_scripts(open_page: OpenPage, viewer: User, connection: Connection) -> None:
    under_one_dag(connection, "load", "check")
    for scripts in (True, False):
        page = open_page("/", viewer, scripts=scripts)
        fold = page.get_by_role("link", name=re.compile("and 1 task"))
        fold.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("same cause")).to_be_visible()
        expect(fold).to_have_attribute("aria-expanded", "true")
        page.get_by_role("link", name=re.compile("Lost 0")).click()
        expect(page.get_by_role("heading", name="No problem matches")).to_be_visible()
        expect(page).to_have_url(re.compile("kind=lost"))


def test_accessible(open_page: OpenPage, editor: User, connection: Connection) -> None:
    page = open_page("/", editor)
    assert_accessible(page)
    under_one_dag(connection, "load", LONG_NAME)
    failed(connection, LONG_NAME, LONG_NAME * 3, owners=[LONG_NAME])
    Attempt.objects.create(
        connection=connection, at=timezone.now(), outcome="rejected", status=422, reason=LONG_NAME, job_name=LONG_NAME
    )
    page.goto("/")
    assert_accessible(page)
    fold = page.get_by_role("link", name=re.compile("and 1 task"))
    fold.click()
    expect(fold).to_have_attribute("aria-expanded", "true")
    assert_accessible(page)
    rows = page.locator(".lines > tbody > tr:not(.line-inside)")
    assert set(rows.evaluate_all("rows => rows.map((row) => row.offsetHeight)")) == {54}
