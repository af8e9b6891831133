"""The URL to which a connection's orchestrator sends its events."""

import uuid

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from connections.endpoint import endpoint_url
from connections.models import Connection

ID = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")


@pytest.mark.parametrize(
    ("public_url", "host", "base"),
    [
        ("https://observatory.example.com", None, "https://observatory.example.com"),
        ("https://observatory.example.com", "10.0.0.1:8000", "https://observatory.example.com"),
        ("", "localhost:8123", "http://localhost:8123"),
        ("", None, "http://127.0.0.1:8000"),
    ],
)
def test_it_is_under_the_public_url_else_under_the_host_that_was_asked(
    settings: Settings, public_url: str, host: str | None, base: str
) -> None:
    settings.PUBLIC_URL = public_url
    request = RequestFactory().get("/", headers={"host": host}) if host else None
    assert endpoint_url(Connection(id=ID), request) == f"{base}/gateway/openlineage/{ID}"
