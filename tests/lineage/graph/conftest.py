"""Fixtures of pictures."""

import pytest

from tests.house.files import ROOT


@pytest.fixture
def sheet() -> str:
    """Return the style sheet of pictures."""
    return (ROOT / "static/css/pages/graph.css").read_text()
