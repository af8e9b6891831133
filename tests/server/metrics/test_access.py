"""Access to /metrics: scrapers with the token, from any address, and signed-in administrators."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from tests.serving import ROOT

TOKEN = "a-token-of-more-than-twenty-characters"


@pytest.fixture(autouse=True)
def token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
@pytest.mark.parametrize("host", ["testserver", "10.1.2.3:8000"])
def test_a_scraper_with_the_token(client: Client, scheme: str, host: str) -> None:
    """The scraper comes by address, and without the database, which this test does not have."""
    response = client.get("/metrics", headers={"Authorization": f"{scheme} {TOKEN}", "Host": host})

    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    assert response.headers["Cache-Control"] == "no-store"
    assert b"observatory_intake_requests_total" in response.content
    assert not response.cookies


def test_a_scraper_only_reads(client: Client) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}

    assert client.head("/metrics", headers=headers).status_code == 200
    refused = client.post("/metrics", headers=headers)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer wrong", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN],
)
def test_anybody_else(client: Client, authorization: str) -> None:
    response = client.get("/metrics", headers={"Authorization": authorization})

    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert b"observatory_" not in response.content


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer "])
def test_without_a_token_in_the_settings_none_opens(client: Client, settings: Settings, authorization: str) -> None:
    settings.METRICS_TOKEN = ""

    assert client.get("/metrics", headers={"Authorization": authorization}).status_code == 401


def test_people(client: Client, viewer: User, editor: User, administrator: User) -> None:
    statuses = []
    for person in (viewer, editor, administrator):
        client.force_login(person)
        statuses.append(client.get("/metrics").status_code)

    assert statuses == [403, 403, 200]


@pytest.mark.parametrize(("token", "starts"), [("short", False), ("", True), (f" {TOKEN}\n", True)])
def test_a_token_that_can_be_guessed_is_no_token(tmp_path: Path, token: str, starts: bool) -> None:
    """The token is read from a file, whose last line ends as editors write it."""
    file = tmp_path / "token"
    file.write_text(token)
    code = "from django.conf import settings; print(repr(settings.METRICS_TOKEN))"
    environment = os.environ | {"METRICS_TOKEN_FILE": str(file), "DJANGO_SETTINGS_MODULE": "observability.settings"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)

    assert (done.returncode == 0) is starts, done.stderr
    assert (repr(token.strip()) in done.stdout) is starts
    assert starts or "METRICS_TOKEN is too short" in done.stderr
