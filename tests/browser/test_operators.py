"""The operators' site in a browser: it works under the product's policy, and deletes as the product does.

What the policy refuses is written to the console, which fails the test.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from connections import actions
from connections.models import Connection

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_signing_in_leads_through_the_products_own_page(open_page: Callable[..., Page], administrator: User) -> None:
    page = open_page("/admin/connections/connection/")
    expect(page).to_have_url(re.compile("/sign-in[?]next="))
    page.get_by_label("Username").fill("administrator")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Select connection to view")).to_be_visible()


def test_forms_with_scripts_of_their_own_work(
    open_page: Callable[..., Page], administrator: User, viewer: User, editor: User
) -> None:
    page = open_page(f"/admin/auth/user/{viewer.pk}/change/", user=administrator)
    # A widget that a script builds: it moves a group from one box to the other.
    page.locator("#id_groups_from option", has_text="Editor").dblclick()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    assert viewer.groups.get().name == "Editor"


def test_a_connection_is_ended_after_it_was_confirmed(open_page: Callable[..., Page], administrator: User) -> None:
    connection = actions.create_connection(name="Warehouse", type="dbt", created_by=None, now=NOW)
    actions.create_api_key(connection=connection, name="worker", created_by=None, now=NOW)
    page = open_page("/admin/", user=administrator)
    page.get_by_role("link", name="Connections", exact=True).last.click()
    page.get_by_role("link", name="Warehouse").click()
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_text("API keys: 1")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Yes")).click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    assert not Connection.objects.live().exists()
