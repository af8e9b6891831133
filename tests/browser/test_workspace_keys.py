"""An administrator makes a workspace key, and a connection for a namespace whose events were refused."""

from collections.abc import Callable

from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from connections.models import Route
from connections.routing import Unrouted
from connections.workspace_keys import Unmatched, create_workspace_key, note_unmatched
from tests.browser.accessibility import assert_accessible


def test_a_key_and_a_connection_for_a_namespace(open_page: Callable[..., Page], administrator: User) -> None:
    now = timezone.now()
    key = create_workspace_key(name="first", created_by=administrator, now=now).workspace_key
    note_unmatched(key_id=key.pk, unmatched=[Unmatched("Spark/eu", Unrouted.NO_ROUTE, "load")], now=now)
    page = open_page("/workspace-keys", administrator)
    assert_accessible(page)

    page.get_by_role("link", name="Add workspace key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Key name").fill("all clusters")
    dialog.get_by_label("Expires after").select_option("90 days")
    assert_accessible(page, part="#dialog")
    dialog.get_by_role("button", name="Add key").click()
    expect(dialog.locator("#new-key")).to_contain_text("obw_")
    dialog.get_by_role("link", name="I have stored the key").click()
    expect(page.get_by_role("row", name="all clusters")).to_be_visible()

    page.get_by_role("link", name="Make a connection for Spark/eu").click()
    expect(dialog.get_by_label("Display name")).to_have_value("Spark/eu")
    dialog.get_by_label("Display name").fill("Spark Europe")
    dialog.get_by_role("button", name="Add connection").click()
    row = page.get_by_role("table", name="Namespaces of Spark Europe").get_by_role("row", name="Spark/eu")
    expect(row).to_be_visible()
    assert Route.objects.filter(connection__name="Spark Europe").count() == 2
    assert_accessible(page)
