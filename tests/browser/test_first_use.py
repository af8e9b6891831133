"""The first use, from an empty list to a job's state and back to nothing, with a real client of OpenLineage."""

import contextlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
import yaml
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.uuid import generate_new_uuid
from playwright.sync_api import Error, Page, expect

from connections.actions import create_api_key
from connections.keys import parse_key
from connections.models import ApiKey
from tests.browser.dialogs import open_dialog
from tests.browser.rows import add_connection
from web.guides import KEY_PLACEHOLDER

OpenPage = Callable[..., Page]


class Sender:
    """Sends a run of a job as openlineage-python does; configured by the text of an openlineage.yml."""

    def __init__(self, config: str) -> None:
        self._client = OpenLineageClient(config=yaml.safe_load(config))
        self._run, self._job = Run(runId=str(generate_new_uuid())), Job(namespace="shop", name="shop.load_orders")

    def send(self, state: RunState, time: str) -> None:
        self._client.emit(RunEvent(eventType=state, eventTime=time, run=self._run, job=self._job, producer="tests"))


def clipboard(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def generate_key(page: Page, name: str) -> str:
    """Asks for a key in the dialog, and copies it: the key."""
    dialog = open_dialog(page, "Generate API key")
    dialog.get_by_label("Key name").fill(name)
    dialog.get_by_role("button", name="Generate key").click()
    expect(dialog.get_by_text("It is not shown again.")).to_be_visible()
    dialog.get_by_role("button", name="Copy API key").click()
    expect(page.get_by_role("status").get_by_text("Copied")).to_be_visible()
    key = clipboard(page)
    parse_key(key)
    expect(page.locator("#new-key")).to_have_text(key)
    return key


def content_of(page: Page) -> str:
    """The page's source; once more where a navigation was still under way."""
    for _ in range(10):
        with contextlib.suppress(Error):
            return page.content()
        page.wait_for_load_state()
    return page.content()


def badge(page: Page) -> Any:
    return page.locator("#connection-status")


def add_by_hand(page: Page, name: str) -> None:
    dialog = open_dialog(page, "Add connection")
    dialog.get_by_label("Display name").fill(name)
    dialog.get_by_label("Any OpenLineage producer").check()
    dialog.get_by_role("button", name="Add connection").click()


def rename_by_hand(page: Page, old: str, new: str) -> None:
    page.get_by_label(f"More actions for {old}").click()
    page.get_by_role("link", name="Rename connection").click()
    page.get_by_role("dialog").get_by_label("Display name").fill(new)
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", name=new, exact=True)).to_be_visible()


def remove_by_hand(page: Page, name: str, affected: str) -> None:
    page.get_by_label(f"More actions for {name}").click()
    page.get_by_role("link", name="Remove connection").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(affected)
    dialog.get_by_label("Type the name to confirm").fill(name)
    dialog.get_by_role("button", name="Remove connection").click()
    expect(page.get_by_text(f"{name} was removed.")).to_be_visible()


def try_a_test_event(page: Page, key: str) -> None:
    """Send a test event, which is listed and connects nothing."""
    expect(page.get_by_role("heading", name="Waiting for the first event")).to_be_visible()
    dialog = open_dialog(page, "Send a test event")
    dialog.get_by_label("API key").fill(key)
    dialog.get_by_role("button", name="Test").click()
    expect(dialog.get_by_role("status")).to_contain_text(re.compile(r"Accepted.*laptop.*hello\.curl", re.DOTALL))
    dialog.get_by_role("link", name="Close").last.click()
    expect(page.locator(".attempt")).to_contain_text(re.compile(r"Test.*HTTP 201", re.DOTALL))
    expect(page.get_by_role("heading", name="Waiting for the first event")).to_be_visible()


def make_mistakes(page: Page, key: str) -> None:
    """Send what is refused: the page names each mistake and its cure by itself."""
    url = page.locator("#endpoint-url").inner_text()
    other = add_connection("Other shop", "openlineage", keys=0)
    foreign = create_api_key(connection=other, name="other", created_by=None, now=timezone.now()).text
    too_large = b" " * (settings.INTAKE_MAX_BODY_BYTES + 1)
    state = page.locator(".setup-state")
    for sent_to, sent_key, body, cure in (
        (url.rpartition("/")[0], key, b"{}", r"nothing at this path.*Copy the endpoint URL of this page whole"),
        (url, foreign, b"{}", r"another connection.*It is a key of Other shop.*a key of this connection"),
        (url, key, too_large, r"larger than.*raise the limit with INTAKE_MAX_BODY_BYTES"),
        (url, key, b'{"eventTime": 12}', r"Not an OpenLineage event.*eventTime.*Correct the field"),
    ):
        requests.post(sent_to, body, headers={"Authorization": f"Bearer {sent_key}"}, timeout=10)
        expect(state).to_contain_text(re.compile(cure, re.DOTALL), timeout=5_000)
    expect(badge(page)).to_contain_text("Last request refused")
    expect(page.locator(".attempt").first).to_contain_text(re.compile(r"Refused\s+HTTP 422\s.*eventTime", re.DOTALL))


def watch_the_job_end(page: Page, sender: Sender, began: datetime) -> None:
    """Watch Overview show, without a reload, that the job runs and then that it has ended."""
    page.get_by_role("link", name="Overview").click()
    row = page.get_by_role("row", name=re.compile(r"shop\.load_orders"))
    expect(row).to_contain_text("Running")
    sender.send(RunState.COMPLETE, (began + timedelta(minutes=3, seconds=20)).isoformat())
    expect(row).to_contain_text("Completed")
    expect(row).to_contain_text("3 min 20 s")


def test_from_nothing_to_a_jobs_state_and_back(open_page: OpenPage, editor: User) -> None:
    page = open_page(user=editor)
    add_by_hand(page, "Shop pipelines")

    # It lands on Settings, which says what is missing.
    expect(page).to_have_url(re.compile(r"/connections/[0-9a-f-]{36}/settings$"))
    expect(page.get_by_role("heading", name="Shop pipelines")).to_be_visible()
    expect(badge(page)).to_have_text(re.compile(r"Setup incomplete\s+No API key yet"))
    expect(page.get_by_role("heading", name="Next: generate an API key")).to_be_visible()
    key = generate_key(page, "laptop")
    page.get_by_role("link", name="I have stored the key").click()
    expect(page.get_by_role("row", name=re.compile(r"laptop.*Never"))).to_contain_text(f"obs_…{key[-4:]}")
    assert key not in content_of(page)
    try_a_test_event(page, key)
    make_mistakes(page, key)

    # What the guide gives to copy configures a real client, which sends.
    page.get_by_role("button", name="Copy: openlineage.yml", exact=True).click()
    expect(page.get_by_role("status").get_by_text("Copied")).to_be_visible()
    sender = Sender(clipboard(page).replace(KEY_PLACEHOLDER, key))
    began = timezone.now() - timedelta(minutes=5)
    sender.send(RunState.START, began.isoformat())

    # The page says so by itself.
    expect(badge(page)).to_have_text(re.compile(r"^\s*Any OpenLineage producer\s+Connected\s+since [\w ]+\s*$"))
    expect(page.get_by_role("heading", name="First event received: job shop.load_orders at")).to_be_visible()
    expect(page.locator(".setup-state")).to_contain_text("1 job, 1 running. What next: see its jobs")
    expect(page.locator(".attempt").first).to_contain_text(
        re.compile(r"Stored\s+HTTP 201.*shop\.load_orders.*laptop", re.DOTALL)
    )
    expect(page.get_by_role("row", name=re.compile(r"laptop.*just now"))).to_be_visible()

    watch_the_job_end(page, sender, began)
    rename_by_hand(page, "Shop pipelines", "Shop")
    remove_by_hand(page, "Shop", "1 job, 1 run, 1 key")
    expect(page).to_have_url(re.compile("/connections$"))
    expect(page.locator(".connection-rows .line-name")).to_have_text(["Other shop"])
    for _ in range(8):  # whichever worker answers
        with pytest.raises(requests.HTTPError, match="401"):
            sender.send(RunState.START, "2026-03-02T12:05:00Z")


def test_a_deleted_key_is_refused_at_once(open_page: OpenPage, editor: User) -> None:
    connection = add_connection("alpha", "openlineage", keys=0)
    page = open_page(f"/connections/{connection.pk}/settings", editor)
    key = generate_key(page, "laptop")
    page.get_by_role("link", name="I have stored the key").click()
    sender = Sender(page.locator("#snippet-yml").inner_text().replace(KEY_PLACEHOLDER, key))
    sender.send(RunState.START, timezone.now().isoformat())
    open_dialog(page, "Delete API key laptop").get_by_role("button", name="Delete key").click()
    expect(page.get_by_text("API key laptop was deleted.")).to_be_visible()
    for _ in range(8):
        with pytest.raises(requests.HTTPError, match="401"):
            sender.send(RunState.COMPLETE, "2026-03-02T12:05:00Z")


def test_only_its_button_closes_the_dialog_with_the_key(open_page: OpenPage, editor: User) -> None:
    connection = add_connection("alpha", keys=0)
    page = open_page(f"/connections/{connection.pk}/settings", editor)
    key = generate_key(page, "laptop")
    dialog = page.get_by_role("dialog")
    for _ in range(3):
        page.keyboard.press("Escape")
    page.mouse.click(5, 5)
    expect(dialog).to_be_visible()
    # The texts to copy stand there with the key filled in.
    dialog.get_by_text("texts with this key filled in").click()
    expect(dialog.locator(".snippet").first).to_contain_text(key)
    dialog.get_by_role("link", name="I have stored the key").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("row", name=re.compile("laptop"))).to_be_visible()
    assert key not in content_of(page)


@pytest.mark.parametrize("closed", [True, False])
def test_back_does_not_bring_the_key_up(open_page: OpenPage, editor: User, closed: bool) -> None:
    connection = add_connection("alpha", keys=0)
    page = open_page(f"/connections/{connection.pk}/settings", editor)
    key = generate_key(page, "laptop")
    if closed:
        page.get_by_role("link", name="I have stored the key").click()
        expect(page.get_by_role("row", name=re.compile("laptop"))).to_be_visible()
    page.goto("/connections")
    page.go_back()
    expect(page.get_by_role("row", name=re.compile("laptop"))).to_be_visible()
    assert key not in content_of(page)
    page.go_forward()
    page.go_back()
    assert key not in content_of(page)


def test_with_the_keyboard_alone(open_page: OpenPage, editor: User) -> None:
    connection = add_connection("alpha", keys=0)
    page = open_page(f"/connections/{connection.pk}/settings", editor)
    press = page.keyboard.press
    for _ in range(40):
        press("Tab")
        if page.evaluate("document.activeElement.id") == "generate":
            break
    press("Enter")
    expect(page.get_by_label("Key name")).to_be_focused()
    press("Escape")
    expect(page.get_by_role("link", name="Generate API key")).to_be_focused()
    press("Enter")
    expect(page.get_by_label("Key name")).to_be_focused()
    page.keyboard.type("laptop")
    press("Enter")
    expect(page.get_by_role("button", name="Copy API key")).to_be_focused()
    press("Enter")
    expect(page.get_by_role("status").get_by_text("Copied")).to_be_visible()
    parse_key(clipboard(page))
    press("Tab")
    expect(page.get_by_role("dialog").locator("summary")).to_be_focused()
    press("Tab")
    expect(page.get_by_role("link", name="I have stored the key")).to_be_focused()
    press("Enter")
    expect(page.get_by_role("row", name=re.compile("laptop"))).to_be_visible()


def test_without_scripts(open_page: OpenPage, editor: User) -> None:
    connection = add_connection("alpha", keys=0)
    page = open_page(f"/connections/{connection.pk}/settings", editor, scripts=False)
    expect(page.get_by_role("button", name="Copy endpoint URL")).to_be_hidden()
    page.get_by_role("link", name="Generate API key").click()
    page.get_by_label("Key name").fill("laptop")
    page.get_by_role("button", name="Generate key").click()
    key = page.locator("#new-key").inner_text()
    parse_key(key)

    # A reload sends the form again: no second key, and the first one is not told again.
    page.reload()
    expect(page.get_by_text("This connection has an API key with this name already.")).to_be_visible()
    assert key not in content_of(page)
    assert ApiKey.objects.count() == 1

    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("row", name=re.compile("laptop"))).to_be_visible()
    with contextlib.suppress(Error):  # Chromium shows nothing in the place of an answer to a form that it may not keep
        page.go_back()
    assert key not in content_of(page)

    page.goto(f"/connections/{connection.pk}/settings")
    page.get_by_role("navigation", name="Sender").get_by_role("link", name="Spark").click()
    expect(page.locator("#snippet-submit")).to_contain_text(f"/gateway/openlineage/{connection.pk}")
    page.get_by_role("link", name="Delete API key laptop").click()
    page.get_by_role("button", name="Delete key").click()
    expect(page.get_by_text("API key laptop was deleted.")).to_be_visible()
