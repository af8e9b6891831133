"""Takes the pictures of the README, from the product with its sample data: `make pictures`."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, ViewportSize, sync_playwright

from tests.chromium import program
from tests.quickstart.conftest import free_port
from tests.serving import ROOT
from tests.waiting import wait_until

PICTURES: Final = ROOT / "docs" / "pictures"
_SIZE: Final[ViewportSize] = {"width": 1280, "height": 800}
# The last line of a start with sample data.
_READY: Final = "events were sent."
_NODE: Final = "/lineage?node="


@contextmanager
def _demo() -> Iterator[tuple[str, str]]:
    """Start the product with sample data in a directory of its own. Yields its URL and the administrator's password."""
    with tempfile.TemporaryDirectory(prefix="obs-pictures-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o711)  # As root, PostgreSQL runs as another user.
        port, output = free_port(), Path(directory) / "printed"
        environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "PUBLIC_URL")}
        with output.open("wb") as printed:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "quickstart", "--port", str(port), "--demo"],
                cwd=ROOT,
                env=environment | {"DATA_DIR": directory},
                stdout=printed,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until(lambda: _READY in output.read_text() or process.poll() is not None, "the start", seconds=300)
            password = re.search(r"Password +(\S+)", output.read_text())
            assert password, output.read_text()
            yield f"http://127.0.0.1:{port}", password[1]
        finally:
            process.terminate()
            process.wait()


def _take(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=PICTURES / f"{name}.png")
    print(f"docs/pictures/{name}.png")  # noqa: T201 - a command


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with _demo() as (url, password), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        page = browser.new_page(viewport=_SIZE, color_scheme="light", base_url=url)
        page.goto("/sign-in")
        page.get_by_label("Username or email").fill("admin")
        page.get_by_label("Password", exact=True).fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{url}/")
        _take(page, "now")
        page.goto("/jobs")
        _take(page, "jobs")
        page.goto("/runs?state=FAILED")
        page.locator("main tbody a[href*='/runs/']").first.click()
        page.wait_for_url("**/runs/*")
        _take(page, "run")
        page.goto("/datasets")
        page.locator("main tbody a[href^='/datasets/']").first.click()
        page.locator(f"main a[href^='{_NODE}']").first.click()
        page.wait_for_url(f"**{_NODE}*")
        _take(page, "lineage")
        browser.close()


if __name__ == "__main__":
    main()
