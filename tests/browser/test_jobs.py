"""The page Jobs in a browser: the height of its rows is chosen and remembered, and nobody is left out."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from connections.models import Connection
from lineage.models import RunState
from tests.browser.accessibility import assert_accessible
from tests.browser.rows import add_connection
from tests.web.rows import job_that_ran, save

OpenPage = Callable[..., Page]
LONG_NAME = "load_" + "a_word_that_cannot_be_broken_" * 3 + "of_the_warehouse_eu_central1"


@pytest.fixture
def connection(product: object) -> Connection:
    connection = add_connection("Airflow production", with_event=True)
    now = timezone.now()
    times = {"started_at": now - timedelta(minutes=5), "ended_at": now - timedelta(minutes=1)}
    assert len(LONG_NAME) == 120
    states = [RunState.FAILED, RunState.UPSTREAM_FAILED, RunState.LOST, RunState.COMPLETED]
    jobs = [job_that_ran(connection, f"{LONG_NAME[:-1]}{n}", state, **times) for n, state in enumerate(states)]
    save(jobs, f"{LONG_NAME}\nline 2")
    save(job_that_ran(connection, f"short {number}", **times) for number in range(12))  # type: ignore[arg-type]
    return connection


def test_the_density_is_chosen_with_a_click_and_stays(
    open_page: OpenPage, viewer: User, connection: Connection
) -> None:
    page = open_page("/jobs", viewer)
    page.get_by_role("link", name="Dense").click()
    expect(page.locator(".lines-compact")).to_be_visible()
    page.goto(f"/connections/{connection.pk}")
    expect(page.locator(".lines-compact")).to_be_visible()
    expect(page.get_by_role("link", name="Dense")).to_have_attribute("aria-current", "true")


def test_accessible(open_page: OpenPage, viewer: User, connection: Connection) -> None:
    page = open_page("/jobs", viewer)
    assert_accessible(page)
    page.locator(".job-error summary").click()
    assert_accessible(page, part=".job-error")
    page.goto("/jobs?density=compact")
    assert_accessible(page, part="#jobs")
