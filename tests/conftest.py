"""Fixtures that every room's tests share."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def sample_lines() -> Callable[[str], list[bytes]]:
    """The bodies of one sample file (or of all: `*`), as a sender sent them."""

    def read(name: str = "*") -> list[bytes]:
        return [
            line for path in sorted(SAMPLES.glob(f"{name}.jsonl")) for line in path.read_bytes().splitlines()
        ]

    return read


@pytest.fixture
def sample_events(sample_lines: Callable[[str], list[bytes]]) -> Callable[[str], list[dict[str, Any]]]:
    """The same, parsed."""
    return lambda name="*": [json.loads(line) for line in sample_lines(name)]
