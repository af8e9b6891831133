"""Opening dialogs as a user does."""

from playwright.sync_api import Locator, Page


def open_dialog(page: Page, link: str) -> Locator:
    """Click the first link of this name, once its page has its scripts: before, it would open a page instead."""
    found = page.get_by_role("link", name=link).first
    found.wait_for()
    page.wait_for_load_state()
    found.click()
    return page.get_by_role("dialog")
