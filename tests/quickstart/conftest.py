"""Real processes in a data directory of their own. They end with the test that started them."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from quickstart.data_directory import DataDirectory
from tests.serving import put_migrated_cluster
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds, for a machine under load


@pytest.fixture
def data() -> Iterator[DataDirectory]:
    # pytest's own temporary directories are too deep for a Unix socket.
    root = Path(tempfile.mkdtemp(prefix="obs-qs-"))
    root.chmod(0o711)
    yield DataDirectory(root)
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def with_tables(data: DataDirectory) -> None:
    """Make PostgreSQL and the tables beforehand, for tests of anything but the first start."""
    put_migrated_cluster(data.postgres)


@pytest.fixture
def environment(data: DataDirectory) -> dict[str, str]:
    """Environment in which only DATA_DIR is set."""
    hidden = {
        "DATABASE_URL",
        "SECRET_KEY",
        "METRICS_TOKEN",
        "LOG_FORMAT",
        "PORT",
        "PUBLIC_URL",
        "DJANGO_SETTINGS_MODULE",
    }
    return {name: value for name, value in os.environ.items() if name not in hidden} | {"DATA_DIR": str(data.root)}


@dataclass
class QuickStart:
    """Process of `manage.py quickstart`, as make runs it."""

    process: "subprocess.Popen[bytes]"
    port: int
    output: Path
    family: list[psutil.Process] = field(default_factory=list)

    @property
    def printed(self) -> str:
        return self.output.read_text()

    def has_greeted(self) -> bool:
        """Tell whether everything is printed that a start prints. The server is ready a moment earlier."""
        assert self.process.poll() is None, self.printed
        return "Stop with Ctrl-C\n" in self.printed

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.printed
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            client.request("GET", "/health/ready")
            return client.getresponse().status == 200
        except OSError:
            return False
        finally:
            client.close()

    def wait_until_ready(self) -> None:
        wait_until(self.is_ready, "the server is ready")
        wait_until(self.has_greeted, "the start says so")
        self.family = psutil.Process(self.process.pid).children(recursive=True)

    def survivors(self) -> list[str]:
        return [command for member in self.family if (command := command_of(member))]

    def end(self, number: signal.Signals) -> str:
        """Send a signal to the parent only; return what was printed."""
        self.process.send_signal(number)
        self.process.wait(timeout=PATIENCE)
        return self.printed


@pytest.fixture
def quick_start(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., QuickStart]]:
    started: list[QuickStart] = []

    def start(*, umask: int = -1, **more: str) -> QuickStart:
        port = free_port()
        output = tmp_path / f"printed-{len(started)}"
        with output.open("wb") as printed:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "quickstart", "--port", str(port)],
                cwd=ROOT,
                env=environment | more,
                stdout=printed,
                stderr=subprocess.STDOUT,
                umask=umask,
            )
        started.append(QuickStart(process, port, output))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.end(signal.SIGTERM)


@pytest.fixture
def manage(environment: dict[str, str]) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    def run(*arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment | more,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    return run


def command_of(member: psutil.Process) -> str:
    """Return the command line; empty if the process has ended, also between two calls."""
    try:
        return " ".join(member.cmdline()) if member.is_running() else ""
    except psutil.NoSuchProcess:  # a zombie among them
        return ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
