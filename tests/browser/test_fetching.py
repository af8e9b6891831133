"""Fetching, set up as a user does it: add a connection, mend what the test finds, save."""

import re
from collections.abc import Callable

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from pull.models import PullSource
from tests.browser.accessibility import assert_accessible
from tests.browser.dialogs import open_dialog
from tests.pull.airflow.replay import PASSWORD, replayed

OpenPage = Callable[..., Page]


def test_from_nothing_to_the_first_sync(open_page: OpenPage, editor: User) -> None:
    page = open_page(user=editor)
    dialog = open_dialog(page, "Add connection")
    dialog.get_by_label("Display name").fill("Fetched")
    dialog.get_by_text("Airflow with OpenLineage").click()
    dialog.get_by_text("Observatory fetches them").click()
    dialog.get_by_role("button", name="Add connection").click()
    expect(page.get_by_role("heading", name="Fetch from Airflow")).to_be_visible()
    with replayed() as (server, _):
        page.get_by_label("Airflow's URL").fill(server.url)
        page.get_by_label("User name").fill("viewer")
        page.get_by_label("Password or token").fill("wrong")
        page.get_by_role("button", name="Test").click()
        result = page.get_by_role("status").filter(has_text="The test")
        expect(result).to_contain_text(re.compile(r"The test failed.*Signs in: failed", re.DOTALL))
        page.get_by_label("Password or token").fill(PASSWORD)
        page.get_by_role("button", name="Test").click()
        expect(result).to_contain_text(re.compile(r"The test passed.*Reads runs: passed", re.DOTALL))
        assert_accessible(page)
    page.get_by_role("button", name="Save and fetch").click()
    expect(page.get_by_role("heading", name="The first sync begins in a moment")).to_be_visible()
    assert_accessible(page)
    # Buttons stand in the part that refreshes itself; their form does not.
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("heading", name="Fetching is paused")).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    source = PullSource.objects.get()
    assert PASSWORD not in page.content()
    assert source.paused_at
