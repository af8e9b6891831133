"""Fixtures that the tests of pages share."""

from typing import Any

import pytest
from django.test import Client


@pytest.fixture(autouse=True)
def static_files_by_their_own_names(settings: Any) -> None:
    """Pages name static files as they are in the tree: nothing has collected and hashed them here."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture
def as_viewer(viewer: Any) -> Client:
    return _signed_in(viewer)


@pytest.fixture
def as_editor(editor: Any) -> Client:
    return _signed_in(editor)


@pytest.fixture
def as_administrator(administrator: Any) -> Client:
    return _signed_in(administrator)


def _signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client
