"""A pytest plugin for tests that run in several processes (`-n`): what is marked `alone` runs while nothing else does.

For a test that measures how long something takes, or what is left of something that all share.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import IO

import pytest

# The first process of a session makes the directory of the locks; those that it starts find it here.
_VARIABLE = "OBSERVATORY_TESTS_LOCKS"


def _directory() -> Path:
    if _VARIABLE not in os.environ:
        os.environ[_VARIABLE] = tempfile.mkdtemp(prefix="obs-locks-")
        atexit.register(shutil.rmtree, os.environ[_VARIABLE], ignore_errors=True)
    return Path(os.environ[_VARIABLE])


_LOCKS = _directory()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "alone: no other test runs meanwhile, in whatever process.")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They come last: each waits for what others have begun, and others wait for it."""
    items.sort(key=_is_alone)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    # Who waits to be alone keeps others from entering: else they could take turns for ever.
    with _locked("door", fcntl.LOCK_EX):
        room = _locked("room", fcntl.LOCK_EX if _is_alone(item) else fcntl.LOCK_SH)
    with room:
        return (yield)


def _is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None


def _locked(name: str, how: int) -> IO[str]:
    """Held until the file is closed."""
    file = (_LOCKS / name).open("w")
    fcntl.flock(file, how)
    return file
