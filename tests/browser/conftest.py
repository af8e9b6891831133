"""Fixtures: the running product, and Chromium in front of it.

A test creates its rows through the ORM; the server reads that database. Anything that a page writes to the console (a
refused inline style, a failing script) fails the test.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page
from whitenoise.compress import Compressor

from tests.chromium import PATIENCE_MS
from tests.serving import ROOT, LiveServer, serve

# What the browser and htmx note about an answer with an error status, which a test asked for.
# Folders of static files that pages ask for.
OF_PAGES = ("css", "js", "img", "vendor", "django_htmx")
EXPECTED_NOISE = ("Failed to load resource", "Response Status Error Code")


@pytest.fixture(scope="session")
def static_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("static")
    command = [sys.executable, "-m", "django", "collectstatic", "--no-input", "--ignore", "drf_spectacular_sidecar"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.browser.settings", "STATIC_ROOT": str(directory)}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    # As production serves them. Those of the operators' site stay as they are: it would take a minute.
    compressor = Compressor(quiet=True)
    for name in OF_PAGES:
        for path in (directory / name).rglob("*.*"):
            if compressor.should_compress(path.name):
                compressor.compress(str(path))
    return directory


@pytest.fixture(scope="session")
def _product_of_session(
    django_db_setup: None, static_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    from django.db import connections as databases  # noqa: PLC0415 - needs Django set up

    name = databases["default"].settings_dict["NAME"]
    database_url = psycopg.conninfo.make_conninfo(os.environ["DATABASE_URL"], dbname=name)
    environment = {"DJANGO_SETTINGS_MODULE": "tests.browser.settings", "STATIC_ROOT": str(static_root)}
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with serve(database_url, log, workers=1, environment=environment) as server:
        yield server


@pytest.fixture
def product(_product_of_session: LiveServer, transactional_db: None) -> LiveServer:
    """The running product, with empty tables."""
    return _product_of_session


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies["session"].value


@pytest.fixture
def open_page(product: LiveServer, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a browser window: of whom, how wide, in which theme, with scripts or without."""
    contexts = []
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(EXPECTED_NOISE):
            complaints.append(message.text)

    def open_(
        path: str = "/connections",
        user: User | None = None,
        *,
        width: int = 1280,
        theme: Any = "light",
        scripts: bool = True,
    ) -> Page:
        context = chromium.new_context(
            base_url=product.url,
            viewport={"width": width, "height": 800},
            color_scheme=theme,
            # A dialog that is still fading in has another contrast.
            reduced_motion="reduce",
            java_script_enabled=scripts,
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.on("console", listen)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        if user:
            context.add_cookies([{"name": "session", "value": session_of(user), "url": product.url}])
        page = context.new_page()
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []
