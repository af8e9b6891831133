"""pytest plugin for tests in several processes (`-n`): a test marked `alone` runs while no other of them does.

The mark is for tests that count seconds, which a crowded machine would use up. `.ci/run` runs two of them at a time.
"""

import fcntl
from collections.abc import Generator
from typing import IO

import pytest

from tests.shared_directory import SHARED


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "alone: no other test of this session runs meanwhile, in any process.")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort tests marked `alone` to the end, because each waits for all running tests and blocks later ones."""
    items.sort(key=_is_alone)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    # A test that waits to be alone blocks later tests; else they could delay it for ever.
    with _locked("door", fcntl.LOCK_EX):
        room = _locked("room", fcntl.LOCK_EX if _is_alone(item) else fcntl.LOCK_SH)
    with room:
        return (yield)


def _is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None


def _locked(name: str, how: int) -> IO[str]:
    """Held until the file is closed."""
    file = (SHARED / name).open("w")
    fcntl.flock(file, how)
    return file
