"""Runs the product as users get it, in processes of its own: PostgreSQL, and gunicorn with asynchronous workers."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import psutil
import requests

from quickstart.postgres import Cluster
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2
_READY_SECONDS = 60
_STOP_SECONDS = 30

_ADD_SENDERS = """
import json
from django.utils import timezone
from connections import actions
now = timezone.now()
made = []
for name in {names!r}:
    connection = actions.create_connection(name=name, type="openlineage", created_by=None, now=now)
    key = actions.create_api_key(connection=connection, name="key", created_by=None, now=now)
    made.append([str(connection.id), key.text])
print(json.dumps(made))
"""


@dataclass(frozen=True)
class LiveServer:
    url: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def path(self, connection_id: UUID, suffix: str = "") -> str:
        return f"/gateway/openlineage/{connection_id}{suffix}"

    def endpoint(self, connection_id: UUID, suffix: str = "") -> str:
        return self.url + self.path(connection_id, suffix)

    @property
    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()


@dataclass(frozen=True)
class OwnDatabase:
    """A PostgreSQL that one test or benchmark has for itself, to fill and to stop as it likes."""

    url: str
    cluster: Cluster = field(repr=False)

    @property
    def pid(self) -> int:
        postmaster = self.cluster.postmaster()
        assert postmaster, "the database is stopped"
        return postmaster.pid

    def stop(self) -> None:
        """Ends all of its connections and refuses new ones: what a restart of the database looks like at first."""
        self.cluster.stop()

    def start(self) -> None:
        self.cluster.start()

    def restart(self, how: signal.Signals) -> None:
        """`pg_ctl restart -m fast` by SIGINT, `-m immediate` by SIGQUIT: returns when it takes queries again."""
        postmaster = self.cluster.postmaster()
        assert postmaster, "the database is stopped"
        postmaster.send_signal(how)
        postmaster.wait(_STOP_SECONDS)
        self.start()

    def manage(self, *arguments: str) -> str:
        """The output of a command of manage.py on this database."""
        command = [sys.executable, "manage.py", *arguments]
        environment = _environment(self.url, None)
        done = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def add_sender(self, name: str = "Production") -> tuple[UUID, str]:
        """A new connection's id, and the text of a key of it."""
        return self.add_senders([name])[0]

    def add_senders(self, names: Sequence[str]) -> list[tuple[UUID, str]]:
        """The same for several, by one command."""
        output = self.manage("shell", "--no-imports", "--command", _ADD_SENDERS.format(names=list(names)))
        return [(UUID(id_), key) for id_, key in json.loads(output.splitlines()[-1])]


@contextmanager
def own_database(*, programs: Path | None = None, port: int | None = None) -> Iterator[OwnDatabase]:
    """A migrated one, gone afterwards. See Cluster for `programs` and `port`."""
    # Short: a Unix socket's path has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="obs-own-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o711)  # As root, PostgreSQL runs as another user.
        with database_in(Path(directory), programs=programs, port=port) as database:
            yield database


@contextmanager
def database_in(directory: Path, *, programs: Path | None = None, port: int | None = None) -> Iterator[OwnDatabase]:
    """One with its files in a directory that is there already; stopped afterwards."""
    cluster = Cluster(directory / "postgres", directory / "log.txt", programs, port)
    cluster.start()
    try:
        database = OwnDatabase(cluster.url, cluster)
        database.manage("migrate", "--verbosity", "0")
        yield database
    finally:
        cluster.stop()


@contextmanager
def serve(
    database_url: str,
    log: Path,
    *,
    application: str = "server.asgi:application",
    workers: int = WORKERS,
    arguments: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
    ready_path: str = "/gateway/openlineage/api/v1/lineage",
    port: int = 0,
) -> Iterator[LiveServer]:
    """Serves a migrated database; when the block ends, so has the server.

    On any free port, or on `port`, once whoever had it is gone.
    """
    with _listener(port) as listener, log.open("ab") as output:
        port = listener.getsockname()[1]
        # The listening socket itself is handed over: nobody else can take its port meanwhile.
        command = [sys.executable, "-m", "gunicorn", application, "--config", "python:server.gunicorn"]
        command += ["--bind", f"fd://{listener.fileno()}", "--workers", str(workers), *arguments]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=_environment(database_url, environment),
            pass_fds=[listener.fileno()],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = LiveServer(f"http://127.0.0.1:{port}", port, process, log)
    try:
        _wait_until_ready(server, ready_path)
        # They are started one after the other.
        wait_until(lambda: len(server.workers) == workers, "all workers have started", seconds=_READY_SECONDS)
        yield server
    finally:
        _end(process)


def _listener(port: int) -> socket.socket:
    deadline = time.monotonic() + _STOP_SECONDS
    while True:
        try:
            return socket.create_server(("127.0.0.1", port), backlog=2048)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _environment(database_url: str, more: Mapping[str, str] | None) -> dict[str, str]:
    defaults = {"SECRET_KEY": "for-tests-only", "DJANGO_SETTINGS_MODULE": "observability.settings"}
    return {**defaults, **os.environ, "DATABASE_URL": database_url, **(more or {})}


def _wait_until_ready(server: LiveServer, path: str) -> None:
    """Connections wait in the listening socket until a worker takes them: no polling is needed."""
    try:
        answer = requests.get(server.url + path, timeout=_READY_SECONDS)
    except requests.RequestException as error:
        raise AssertionError(f"The server did not start:\n{server.log.read_text()}") from error
    assert answer.status_code == 405, answer.text


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
