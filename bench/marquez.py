"""Marquez in a usual setup: its published jar under Java 17, search off, a database of its own."""

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from bench.databases import another_database
from bench.subjects import Subject
from tests.serving import OwnDatabase

MARQUEZ = "Marquez"
VERSION = "0.50.0"
JAVA = 17
_ARTIFACT = "io.github.marquezproject:marquez-api"
_PATH = "/api/v1/lineage"
_READY_SECONDS = 180  # including its migrations
_STOP_SECONDS = 30
# Together with the product's sessions this stays below PostgreSQL's limit of 100; the pool's default is 100.
_SESSIONS = 64


class Missing(Exception):
    """Programs that Marquez needs are missing. The message names each in a sentence."""


def java() -> str:
    """Return the path of a Java that can run it. Raises Missing."""
    path = shutil.which("java")
    if path is None:
        raise Missing(f"Java {JAVA} or newer: there is no `java` on the PATH.")
    output = subprocess.run([path, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', output)
    if version is None or int(version[1]) < JAVA:
        raise Missing(f"Java {JAVA} or newer: `java -version` says {output.splitlines()[0] if output else 'nothing'}.")
    return path


def published_jar(version: str, directory: Path) -> Path:
    """Fetch the jar with Maven, which caches it, and copy it to `directory`. Raises Missing."""
    jar = directory / f"marquez-api-{version}.jar"
    maven = shutil.which("mvn")
    if maven is None:
        raise Missing('Maven, which fetches the jar: there is no `mvn` on the PATH. Or the jar: ARGS="--jar PATH".')
    command = [maven, "--batch-mode", "--quiet", "--update-snapshots", "dependency:copy"]
    command += [f"-Dartifact={_ARTIFACT}:{version}", f"-DoutputDirectory={directory}"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode or not jar.exists():
        reasons = [line for line in done.stdout.splitlines() if "ERROR" in line]
        reason = reasons[0].rpartition("standalone-pom: ")[2].strip() if reasons else "it gave no reason"
        raise Missing(f'the jar {_ARTIFACT}:{version}, which Maven could not fetch: {reason}. Or ARGS="--jar PATH".')
    return jar


@contextmanager
def marquez(database: OwnDatabase, directory: Path, *, java: str, jar: Path) -> Iterator[Subject]:
    """Run Marquez. `database` must listen on a TCP port, because JDBC supports nothing else."""
    url = another_database(database, "marquez")
    port, log = free_port(), directory / "marquez.txt"
    configuration = directory / "marquez.yml"
    # JSON is YAML too.
    configuration.write_text(json.dumps(_configuration(port, database.cluster.port or 0)))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [java, "-jar", str(jar), "server", str(configuration)], stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_ready(process, port, log)
        count = "SELECT count(*) FROM lineage_events"
        # Its writes may conflict with each other; it then answers 500.
        yield Subject(MARQUEZ, process.pid, port, _PATH, "", url, count, may_refuse=True)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _configuration(port: int, database_port: int) -> dict[str, object]:
    """Return the configuration of its documentation without options that only cost time: GraphQL, search and access
    logs."""

    def listen(port: int) -> list[dict[str, object]]:
        return [{"type": "http", "bindHost": "127.0.0.1", "port": port}]

    return {
        "server": {
            "applicationConnectors": listen(port),
            "adminConnectors": listen(free_port()),
            "requestLog": {"appenders": []},
        },
        "db": {
            "driverClass": "org.postgresql.Driver",
            "url": f"jdbc:postgresql://127.0.0.1:{database_port}/marquez",
            "user": "postgres",
            "password": "",
            "maxSize": _SESSIONS,
        },
        "migrateOnStartup": True,
        "graphql": {"enabled": False},
        "search": {"enabled": False},
        "logging": {"level": "WARN", "appenders": [{"type": "console"}]},
    }


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if requests.get(f"http://127.0.0.1:{port}/api/v1/namespaces", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.1)
    raise SystemExit(f"Marquez did not start:\n{log.read_text(errors='replace')[-4000:]}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
