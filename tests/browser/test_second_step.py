"""Signing in by two steps: an authenticator app and a security key, which Chromium pretends to have."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from observability.sessions import SessionStore
from tests.browser.accessibility import assert_accessible
from tests.browser.dialogs import open_dialog
from tests.conftest import PASSWORD
from tests.serving import LiveServer
from tests.totp import code_of

KEY = {"protocol": "ctap2", "transport": "usb", "hasUserVerification": True, "isUserVerified": True}


def plug_in_key(page: Page) -> None:
    devtools: Any = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": {**KEY, "automaticPresenceSimulation": True}})


def give_password(page: Page) -> None:
    page.get_by_label("Username or email").fill("viewer")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def add_app(page: Page) -> None:
    dialog = open_dialog(page, "Authenticator app")
    secret = dialog.locator("#app-secret").inner_text()
    assert_accessible(page)
    dialog.get_by_label("Code that the app shows").fill("000000")
    dialog.get_by_role("button", name="Add app").click()
    expect(dialog.locator(".field-error")).to_be_visible()
    assert dialog.locator("#app-secret").inner_text() == secret
    dialog.get_by_label("Code that the app shows").fill(code_of(secret))
    dialog.get_by_role("button", name="Add app").click()
    expect(dialog.locator("#recovery-codes")).to_be_visible()
    assert_accessible(page)
    dialog.get_by_role("link", name="I have stored the codes").click()


def add_key(page: Page) -> None:
    open_dialog(page, "Security key").get_by_label("Name").fill("desk")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Security key “desk”")).to_be_visible()
    assert_accessible(page)


def forget_confirmations() -> None:
    """Make all sessions as old as those that have to confirm."""
    for row in Session.objects.all():
        session = SessionStore(row.session_key)
        session["confirmed_at"] = session["confirmed_by_factor_at"] = 0
        session.save()


def test_an_app_and_a_security_key_are_set_up_and_used(
    open_page: Callable[..., Page], product: LiveServer, viewer: User
) -> None:
    # Keys belong to a host name: no browser makes one for an IP address.
    product_at_name = product.url.replace("127.0.0.1", "localhost")
    page = open_page(f"{product_at_name}/sign-in?next=/account/factors")
    plug_in_key(page)
    give_password(page)
    add_app(page)
    add_key(page)

    page.locator("#account > summary").click()
    page.get_by_role("button", name="Sign out").click()
    give_password(page)
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("wait for the next one")).to_be_visible()
    page.get_by_role("button", name="Use your security key").click()
    expect(page.get_by_role("heading", name="Now")).to_be_visible()

    forget_confirmations()
    page.goto(f"{product_at_name}/account/factors")
    dialog = open_dialog(page, "Remove authenticator app")
    expect(dialog.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    assert_accessible(page)
    dialog.get_by_role("button", name="Use security key").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("The authenticator app was removed.")).to_be_visible()
