"""Administration as an administrator goes through it: somebody is added, sets a password, and the audit says so."""

from collections.abc import Callable

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.browser.accessibility import assert_accessible
from tests.browser.dialogs import open_dialog


def test_a_person_is_added_and_the_audit_says_so(open_page: Callable[..., Page], administrator: User) -> None:
    page = open_page(user=administrator)
    page.locator("#account > summary").click()
    page.get_by_role("link", name="Administration").click()
    dialog = open_dialog(page, "Add person")
    dialog.get_by_label("User name").fill("ada")
    assert_accessible(page, part="#dialog")
    dialog.get_by_role("button", name="Add person").click()
    expect(dialog.get_by_text("It is not shown again.")).to_be_visible()
    link = dialog.locator("#new-link").inner_text()
    dialog.get_by_role("link", name="I have copied the link").click()
    expect(page.locator(".people-list").get_by_text("ada", exact=True)).to_be_visible()
    assert_accessible(page)

    theirs = open_page(link)
    theirs.get_by_label("New password", exact=True).fill("a staple for the horse")
    theirs.get_by_label("New password again").fill("a staple for the horse")
    theirs.get_by_role("button", name="Set password").click()
    expect(theirs.get_by_text("Your password is set: sign in with it.")).to_be_visible()

    page.get_by_role("link", name="Audit").click()
    rows = page.locator(".audit-list tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.last).to_contain_text("Added user")
    expect(rows.last.locator(".column-actor")).to_contain_text("administrator")
    expect(rows.first).to_contain_text("Changed the password of user")
    assert_accessible(page)
