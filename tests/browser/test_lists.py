"""All lists in a browser: rows keep their height whatever a name is, ten stand above the fold, nobody is left out."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page

from connections.models import Attempt, Connection
from lineage.models import Dataset, Job, Run, RunState
from tests.browser.accessibility import assert_accessible
from tests.browser.rows import add_connection
from tests.lineage.dataset_rows import make_dataset
from tests.web.rows import job, job_that_ran, save

OpenPage = Callable[..., Page]
LONG_NAME = "load_" + "a_word_that_cannot_be_broken_" * 3 + "of_the_warehouse_eu_central1"
MANY = 2_000
HEIGHTS = {"normal": 54, "compact": 32}
FOLD = 800


@pytest.fixture
def connection(product: object) -> Connection:
    """2,000 jobs of a connection, the first ones with long names in each state, datasets and other connections."""
    assert len(LONG_NAME) == 120
    connection, now = add_connection(LONG_NAME[:100], with_event=True), timezone.now()
    refused = add_connection(f"another {LONG_NAME[:80]}")
    Attempt.objects.create(connection=refused, at=now, outcome="rejected", status=422, reason=LONG_NAME * 3)
    times = {"started_at": now - timedelta(minutes=50), "ended_at": now - timedelta(minutes=1)}
    states = [*RunState.values, RunState.COMPLETED]
    save(
        [job_that_ran(connection, f"{LONG_NAME[:-2]}{n:02}", state, **times) for n, state in enumerate(states)],
        f"{LONG_NAME}\nline 2",
    )
    slow = Job.objects.filter(latest_run_state=RunState.COMPLETED)[0]
    ended = {"state": RunState.COMPLETED, "started_at": now - timedelta(hours=2)}
    for earlier in save(job_that_ran(connection, "x", ended_at=ended["started_at"], **ended) for _ in range(3)):  # type: ignore[arg-type]
        Run.objects.filter(job=earlier).update(job=slow)
    Job.objects.bulk_create(job(connection, f"short {n}") for n in range(MANY - len(states)))
    Dataset.objects.bulk_create(make_dataset(connection, f"{LONG_NAME}{n}", LONG_NAME) for n in range(30))
    return connection


def heights(page: Page, rows: str) -> list[tuple[int, float]]:
    """Return the height and the lower edge of each row."""
    found: list[tuple[int, float]] = page.locator(rows).evaluate_all(
        "rows => rows.map((row) => [row.offsetHeight, row.getBoundingClientRect().bottom])"
    )
    return found


def test_rows_have_one_height_and_are_accessible(open_page: OpenPage, editor: User, connection: Connection) -> None:
    page = open_page("/", editor)
    lists = {
        "/jobs?": ".job-rows > tbody > tr",
        f"/connections/{connection.pk}?": ".job-rows > tbody > tr",
        "/runs?": ".run-rows > tbody > tr",
        "/datasets?": ".dataset-list > tbody > tr",
        "/connections?": ".connection-rows > tbody > tr",
        "/search?q=load&": ".hits > .hit",
    }
    for density, height in HEIGHTS.items():
        for path, rows in lists.items():
            page.goto(f"{path}density={density}")
            found = heights(page, rows)
            assert {one for one, _ in found} == {height}, (path, density, found)
            # The whole name shows on focus, and moves nothing.
            page.locator(f"{rows} .line-name").first.focus()
            page.keyboard.press("Shift+Tab")
            page.keyboard.press("Tab")
            assert heights(page, rows) == found, (path, density)
            if path in ("/jobs?", "/runs?", "/datasets?"):
                assert sum(bottom <= FOLD for _, bottom in found) >= 10, (path, density)
    # The density that was chosen last stays.
    for path in ("/runs?", "/connections?", "/search?q=load&"):
        page.goto(f"{path}density=normal")
        assert_accessible(page)
    page.goto("/datasets?density=compact")
    assert_accessible(page)
    page.goto("/runs?state=NOPE")
    assert_accessible(page, part="#runs")
