"""Chromium, driven by Playwright. All tests of a process share it, because Playwright allows only one driver."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

PATIENCE_MS = 10_000
# The first alone is what Playwright brings along itself: the same engine without the windows, menus and new-tab page of
# a desktop browser, which a full one renders even where nobody sees them. Opening a page takes a third of the time.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")


def program() -> str | None:
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    executable = program()
    if not executable:
        pytest.skip("needs Chromium: install the system's, or name it in CHROMIUM")
    # Playwright's synchronous calls run inside an event loop, in which Django would refuse the tests' queries.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
