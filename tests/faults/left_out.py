"""pytest plugin that leaves out the tests that fill a disk if none can be mounted, and reports it. In CI it leaves out
none."""

import os
from typing import Any

import pytest

from tests.faults.small_disk import can_mount

_COUNT = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    need_disk = [item for item in items if "disk" in getattr(item, "fixturenames", ())]
    if need_disk and os.environ.get("CI") != "true" and not can_mount():
        items[:] = [item for item in items if item not in need_disk]
        config.hook.pytest_deselected(items=need_disk)
        config.stash[_COUNT] = len(need_disk)
        if hasattr(config, "workeroutput"):
            config.workeroutput["left_out"] = len(need_disk)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Note how many tests one of several processes (`-n`) left out; all leave out equally many."""
    if left_out := getattr(node, "workeroutput", {}).get("left_out"):
        node.config.stash[_COUNT] = left_out


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if left_out := config.stash.get(_COUNT, 0):
        terminalreporter.write_line(f"{left_out} tests of a full disk were left out: they need root, and to mount.")
