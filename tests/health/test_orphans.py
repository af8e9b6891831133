"""Workers end with their master however that ends, at whatever moment: an orphan would keep the port."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.serving import ROOT

WORKERS = 6
SECONDS = 30

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent ended")


@pytest.mark.parametrize("forked", range(1, WORKERS + 1))
def test_a_master_that_is_killed_while_it_forks(forked: int, tmp_path: Path) -> None:
    """The last worker has only begun: it has no signal handlers of its own yet. It needs no database to be there."""
    command = [sys.executable, "-m", "gunicorn", "observability.asgi:application"]
    command += ["--config", "python:observability.server", "--bind", "127.0.0.1:0", "--workers", str(WORKERS)]
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as started:
        master = psutil.Process(started.pid)
        while len(workers := master.children()) < forked:
            assert started.poll() is None
        started.send_signal(signal.SIGKILL)

    _, orphans = psutil.wait_procs(workers, SECONDS)
    for orphan in orphans:
        orphan.kill()
    assert not orphans
