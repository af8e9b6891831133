"""Fixtures that the tests of pages share."""

from typing import Any

import pytest
from django.test import Client


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
