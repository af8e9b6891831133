"""Runs the product as users do, in processes of its own: PostgreSQL, and gunicorn with asynchronous workers."""

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
import psycopg
import requests

from quickstart.postgres import Cluster
from tests.ready_cluster import copy_ready_cluster
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
    """PostgreSQL of one test or benchmark, which may fill and stop it."""

    url: str
    cluster: Cluster = field(repr=False)

    @property
    def pid(self) -> int:
        postmaster = self.cluster.postmaster()
        assert postmaster, "the database is stopped"
        return postmaster.pid

    def stop(self) -> None:
        """End all connections and refuse new ones, as at the start of a database restart."""
        self.cluster.stop()

    def start(self) -> None:
        self.cluster.start()

    def restart(self, mode: signal.Signals) -> None:
        """Restart like `pg_ctl restart`: SIGINT is `-m fast`, SIGQUIT `-m immediate`. Returns when it accepts
        queries."""
        postmaster = self.cluster.postmaster()
        assert postmaster, "the database is stopped"
        postmaster.send_signal(mode)
        postmaster.wait(_STOP_SECONDS)
        self.start()

    def wait_until_settled(self) -> None:
        """Wait until the shown states of all answered events are stored."""
        with psycopg.connect(self.url, autocommit=True) as session:
            wait_until(lambda: session.execute("SELECT count(*) FROM lineage_mark").fetchone() == (0,), "all settled")

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py on this database, and return its output."""
        command = [sys.executable, "manage.py", *arguments]
        environment = _environment(self.url, None)
        done = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def add_sender(self, name: str = "Production") -> tuple[UUID, str]:
        """Create a connection with an API key; return its id and the key's text."""
        return self.add_senders([name])[0]

    def add_senders(self, names: Sequence[str]) -> list[tuple[UUID, str]]:
        """Create several senders with one command."""
        output = self.manage("shell", "--no-imports", "--command", _ADD_SENDERS.format(names=list(names)))
        return [(UUID(id_), key) for id_, key in json.loads(output.splitlines()[-1])]


@contextmanager
def own_database(*, programs: Path | None = None, port: int | None = None) -> Iterator[OwnDatabase]:
    """Start a migrated database, and delete it afterwards. See Cluster for `programs` and `port`."""
    # Short: a Unix socket's path has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="obs-own-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o711)  # As root, PostgreSQL runs as another user.
        with database_in(Path(directory), programs=programs, port=port) as database:
            yield database


@contextmanager
def database_in(directory: Path, *, programs: Path | None = None, port: int | None = None) -> Iterator[OwnDatabase]:
    """Start a database with its files in an existing directory, and stop it afterwards."""
    cluster = Cluster(directory / "postgres", directory / "log.txt", programs, port)
    if programs is None:
        put_migrated_cluster(cluster.directory)
    cluster.start()
    try:
        if programs is not None:
            _migrate(cluster)
        yield OwnDatabase(cluster.url, cluster)
    finally:
        cluster.stop()


def put_migrated_cluster(directory: Path) -> None:
    """Makes `directory`, with the files of a PostgreSQL that has the product's tables."""
    copy_ready_cluster(directory, _migrate)


def _migrate(cluster: Cluster) -> None:
    OwnDatabase(cluster.url, cluster).manage("migrate", "--verbosity", "0")


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
    within: tuple[str, ...] = (),
) -> Iterator[LiveServer]:
    """Serve a migrated database until the block ends.

    Uses any free port, or `port` as soon as it is free. `within`: a command that runs the server's command.
    """
    with _listener(port) as listener, log.open("ab") as output:
        port = listener.getsockname()[1]
        # The listening socket is handed over, so that no other process can take its port meanwhile.
        command = [*within, sys.executable, "-m", "gunicorn", application, "--config", "python:server.gunicorn"]
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
        # Workers are started one after the other.
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
    defaults = {
        "SECRET_KEY": "for-tests-only-and-as-long-as-a-key-must-be-0123456789",
        "DJANGO_SETTINGS_MODULE": "observability.settings",
    }
    return {**defaults, **os.environ, "DATABASE_URL": database_url, **(more or {})}


def _wait_until_ready(server: LiveServer, path: str) -> None:
    """Wait with one request: connections wait in the listening socket until a worker accepts them."""
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
