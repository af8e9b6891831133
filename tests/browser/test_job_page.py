"""The pages of a job and of all runs in a browser: they keep up to date, and leave nobody out."""

import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from connections.models import Connection
from lineage.models import Edge, Job, Run
from tests.api.rows import build_run, make_job
from tests.browser.accessibility import assert_accessible
from tests.browser.rows import add_connection
from tests.lineage.dataset_rows import save_dataset
from tests.lineage.settling import save_runs, settle_rows

OpenPage = Callable[..., Page]
LONG_NAME = "a_word_that_cannot_be_broken_anywhere_" * 4
MINUTE = timedelta(minutes=1)
# In every state. Of a page of 50, axe takes seconds.
A_FEW = 12


@pytest.fixture
def connection(product: object) -> Connection:
    return add_connection("Airflow production", with_event=True)


def add_runs(job: Job, count: int) -> list[Run]:
    """An hour apart, in every state, some slower than others; the newest one runs."""
    now = timezone.now()
    runs = []
    for number in range(count):
        started_at = now - (count - number) * timedelta(hours=1) + 20 * MINUTE
        lasts = (3 + number * 7 % 5 + 9 * (number % 17 == 3)) * MINUTE
        fields: dict[str, object] = {"terminal_type": "COMPLETE"}
        if number % 9 == 5:
            fields = {"terminal_type": "FAIL", "error_message": "Boom: " + LONG_NAME, "attempt": 3, "max_attempts": 3}
        elif number % 23 == 7:
            fields = {"terminal_type": "ABORT"}
        ended_at: datetime | None = started_at + lasts
        if number == count - 1:
            fields, ended_at = {"terminal_type": None}, None
        runs.append(build_run(job, started_at=started_at, ended_at=ended_at, **fields))
    return save_runs(runs)


def add_all(connection: Connection, runs: int = 70) -> Job:
    """A job of which everything is known."""
    parent = make_job(connection, "shop", kind="DAG")
    job = make_job(
        connection,
        "shop.load_orders",
        kind="TASK",
        integration="AIRFLOW",
        description="Loads the orders of the day before into the warehouse.",
        owners=["data-platform", "ada@example.com"],
        tags=["daily", "tier:1", LONG_NAME],
        schedule="0 3 * * *",
        schedule_timezone="Europe/Berlin",
        source_url="https://example.com/dags/shop.py",
        parent_job_id=parent.id,
        parent_job_namespace="prod",
        parent_job_name="shop",
    )
    added = add_runs(job, runs)
    hour = timezone.now()
    edges = []
    for number, direction in enumerate(["READS", "READS", "WRITES"]):
        of = {"connection_id": connection.pk}
        name = f"warehouse.public.{LONG_NAME if number == 1 else 'orders'}"
        dataset = save_dataset(connection, name, "postgres://db:5432", id=uuid.uuid4())
        hours = {"first_event_hour": hour, "last_event_hour": hour - timedelta(days=number)}
        edges.append(
            Edge.objects.create(id=uuid.uuid4(), job=job, dataset_id=dataset.id, direction=direction, **hours, **of)
        )
    Run.objects.filter(connection_id=connection.pk, id=added[-2].id).update(edge_ids=[edges[0].id, edges[2].id])
    for number in range(3):
        child = make_job(connection, f"shop.load_orders.part_{number}", kind="TASK", parent_job_id=job.id)
        save_runs(
            build_run(
                child, started_at=above.started_at, parent_run_id=above.run_id, parent_job_name=job.name, **outcome
            )
            for above, outcome in ((added[-2], {"terminal_type": "FAIL"}), (added[-3], {}))
        )
    return job


def url(job: Job) -> str:
    return f"/connections/{job.connection_id}/jobs/{job.id}"


def test_accessible(open_page: OpenPage, viewer: User, connection: Connection) -> None:
    job = add_all(connection, runs=A_FEW)
    page = open_page(url(job), viewer, width=375)
    expect(page.locator(".run-rows tbody tr")).to_have_count(A_FEW)
    assert_accessible(page)
    page.locator("#chart-figures summary").click()
    page.locator("#run-times summary").click()
    # The grid, too wide for this window, opens at the latest runs; arrow keys lead through it.
    cell = page.get_by_role("link", name=re.compile("^part_1, .*: failed"))
    box = cell.bounding_box()
    assert box
    assert 0 < box["x"] < 375 - box["width"]
    cell.focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("link", name=re.compile("^part_1, .*: completed"))).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("link", name=re.compile("^part_0, .*: failed"))).to_be_focused()
    assert_accessible(page)


def test_accessible_pages_beside_it(open_page: OpenPage, viewer: User, connection: Connection) -> None:
    job = add_all(connection, runs=A_FEW)
    page = open_page("/runs", viewer)
    bare = make_job(connection, LONG_NAME)
    called = add_runs(make_job(connection, "called", kind="DAG"), 1)[0]
    Run.objects.filter(id=called.id).update(orchestrator_run_id=LONG_NAME)
    run = f"/connections/{connection.pk}/runs/{called.id}"
    for path in (url(bare), url(called.job), "/runs", run, f"/search?q={LONG_NAME}"):
        page.goto(path)
        assert_accessible(page)
    page.goto(f"{url(job)}?state=FAILED")
    assert_accessible(page, part="#job")
    for query in ("q=zzz", "from=2026-01-01T00:00", f"orchestrator_run_id={LONG_NAME}"):
        page.goto(f"/runs?{query}")
        assert_accessible(page, part="#runs")


def test_from_the_overview_to_the_job_and_its_runs(open_page: OpenPage, viewer: User, connection: Connection) -> None:
    job = add_all(connection)
    page = open_page(f"/connections/{connection.pk}?q=load_orders", viewer)
    page.get_by_role("link", name="shop.load_orders", exact=True).click()
    expect(page).to_have_url(re.compile(f"{url(job)}$"))
    page.get_by_role("link", name=re.compile(r"^Failed \d+$")).click()
    expect(page).to_have_url(re.compile(r"\?state=FAILED$"))
    expect(page.locator(".run-rows tbody tr")).to_have_count(8)
    page.get_by_label("Duration", exact=True).select_option("86400")
    expect(page.get_by_role("heading", name="No run matches")).to_be_visible()
    page.get_by_role("link", name="Show all runs").click()
    expect(page.locator(".run-rows tbody tr")).to_have_count(50)
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".run-rows tbody tr")).to_have_count(20)


def test_a_run_ends_by_itself(open_page: OpenPage, viewer: User, connection: Connection) -> None:
    job = add_all(connection)
    page = open_page(url(job), viewer)
    page.locator("#chart-figures summary").click()
    first = page.locator(".run-rows tbody tr").first
    expect(first).to_contain_text("Running")
    running = Run.objects.filter(connection_id=connection.pk, job_id=job.id, terminal_type=None)
    running.update(terminal_type="FAIL", ended_at=timezone.now(), error_message="It broke.")
    settle_rows(connection.pk)
    expect(first).to_contain_text("It broke.")
    # What the reader opened stays open.
    expect(page.locator(".chart-scroll")).to_be_visible()


def test_all_runs_without_scripts(open_page: OpenPage, viewer: User, connection: Connection) -> None:
    add_all(connection)
    page = open_page("/runs", viewer, scripts=False)
    expect(page.locator(".run-rows tbody tr")).to_have_count(50)
    page.get_by_label("Search runs by the name of their job").fill("part_1")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".run-rows tbody tr")).to_have_count(2)
    page.get_by_role("link", name="shop.load_orders.part_1").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("shop.load_orders.part_1, ")
