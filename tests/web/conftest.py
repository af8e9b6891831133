"""Fixtures that the tests of pages share."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from tests.lineage.conftest import NOW as AFTER_SAMPLES
from tests.web.rows import NOW


@pytest.fixture
def now() -> Iterator[None]:
    """Stop the clock at the time of the rows that tests make."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def after_built_events() -> Iterator[None]:
    """Two hours after the first of those that tests/lineage/build.py builds."""
    with time_machine.travel("2026-11-20T14:00:00Z", tick=False):
        yield


@pytest.fixture
def after_sample_events() -> Iterator[None]:
    with time_machine.travel(AFTER_SAMPLES, tick=False):
        yield


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
