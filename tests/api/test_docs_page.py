"""The page that documents the API, in a real browser, under the policy that all pages have."""

from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage

STATIC_FILES = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


@pytest.fixture(autouse=True)
def static_files_by_their_own_names(settings: Any) -> None:
    settings.STORAGES = {**settings.STORAGES, "staticfiles": STATIC_FILES}


@pytest.fixture
def session(transactional_db: None, django_user_model: Any) -> str:
    client = Client()
    client.force_login(django_user_model.objects.create_user("ada"))
    return client.cookies["session"].value


def test_it_renders_and_breaks_no_policy(session: str, live_server: Any, chromium: Browser) -> None:
    complaints: list[str] = []
    foreign: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    context = chromium.new_context()
    context.add_cookies([{"name": "session", "value": session, "url": live_server.url}])
    page = context.new_page()
    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: foreign.append(request.url))
    answer = page.goto(f"{live_server.url}/api/v1/docs")
    page.locator("#operations-runs-list_events_of_run").wait_for()
    operations = page.locator(".opblock-summary-path").count()
    # The page can be used, too: it reads with the session of whoever looks at it.
    page.locator("#operations-datasets-list_datasets").click()
    page.get_by_role("button", name="Try it out").click()
    with page.expect_response("**/api/v1/datasets*") as tried:
        page.get_by_role("button", name="Execute").click()
    status = tried.value.status
    context.close()
    policy = answer.headers["content-security-policy"] if answer else ""
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert operations == 22
    assert status == 200
    assert complaints == []
    assert [url for url in foreign if not url.startswith((live_server.url, "data:"))] == []


def test_without_a_session_it_leads_to_sign_in(db: None, client: Client) -> None:
    response = client.get("/api/v1/docs")
    assert (response.status_code, response.headers["Location"]) == (302, "/sign-in?next=/api/v1/docs")
