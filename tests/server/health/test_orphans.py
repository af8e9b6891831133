"""Workers end with their master, at any moment and however it ends: an orphan would keep the port."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.serving import ROOT

WORKERS = 6
SECONDS = 30

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent ended")


def members(session: int) -> list[int]:
    """Return the processes of a session."""
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(pid) == session:
                found.append(pid)
    return found


@pytest.mark.parametrize("forked", [1, 2, WORKERS])
def test_a_master_that_is_killed_while_it_forks(forked: int, tmp_path: Path) -> None:
    """The last worker has just begun, and has no signal handlers yet. No database is needed."""
    command = [sys.executable, "-m", "gunicorn", "server.asgi:application"]
    command += ["--config", "python:server.gunicorn", "--bind", "127.0.0.1:0", "--workers", str(WORKERS)]
    environment = os.environ | {"METRICS_DIR": str(tmp_path)}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as started:
        master = psutil.Process(started.pid)
        while len(master.children()) < forked:
            assert started.poll() is None
        started.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + SECONDS
    while (orphans := members(started.pid)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for orphan in orphans:
        os.kill(orphan, signal.SIGKILL)
    assert not orphans
