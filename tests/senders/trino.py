"""Trino as Maven Central has it, with its OpenLineage event listener and tables in memory."""

import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.serving import ROOT
from tests.waiting import wait_until
from web.guides.runners import TRINO

# Git-ignored, and kept from one test session to the next: 94 MB of 820 MB that are downloaded.
ENVIRONMENT = ROOT / ".venv-trino"
JAVA = 24
_VERSION = TRINO.version
_ARCHIVE = f"io/trino/trino-server/{_VERSION}/trino-server-{_VERSION}.tar.gz"
_ARCHIVE_SHA256 = "cfd5accde17e8ebd251eeeb78aed1f490e77bb3a164d95a0f454bf8a7c1cbd3f"
_REPOSITORY = os.environ.get("MAVEN_REPOSITORY", "https://repo1.maven.org/maven2")
_PLUGINS = ("memory", "openlineage")
_DOWNLOAD_SECONDS = 60
_START_SECONDS = 240
_QUERY_SECONDS = 120
_BLOCK = 1 << 20
_USER = {"X-Trino-User": "ada"}


def java() -> Path | None:
    """Return a Java that Trino runs with: the one of JAVA_HOME, or an installed one. None: there is none."""
    homes = [Path(os.environ["JAVA_HOME"])] if "JAVA_HOME" in os.environ else []
    for home in [*homes, *sorted(Path("/usr/lib/jvm").glob("*"))]:
        release = home / "release"
        found = re.search(r'JAVA_VERSION="(\d+)', release.read_text()) if release.exists() else None
        if found and int(found[1]) >= JAVA:
            return home / "bin" / "java"
    return None


def install() -> Path:
    """Return the directory of Trino's libraries and of the plugins that are used. Downloads it if there is none."""
    installed = ENVIRONMENT / _VERSION
    if not installed.exists():
        ENVIRONMENT.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=ENVIRONMENT) as directory:
            whole = Path(directory) / f"trino-server-{_VERSION}"
            with tarfile.open(_download(Path(directory))) as archive:
                archive.extractall(directory, filter="data")
            made = Path(directory) / "made"
            for part in ("lib", *(f"plugin/{name}" for name in _PLUGINS)):
                shutil.copytree(whole / part, made / part)
            made.rename(installed)
    return installed


def _download(directory: Path) -> Path:
    archive, digest = directory / Path(_ARCHIVE).name, hashlib.sha256()
    answer = requests.get(f"{_REPOSITORY}/{_ARCHIVE}", timeout=_DOWNLOAD_SECONDS, stream=True)
    answer.raise_for_status()
    with archive.open("wb") as file:
        for block in answer.iter_content(_BLOCK):
            digest.update(block)
            file.write(block)
    assert digest.hexdigest() == _ARCHIVE_SHA256, f"not Trino: {answer.url}"
    return archive


@dataclass(frozen=True)
class Query:
    """Query that ended. `error`: empty if it succeeded."""

    id: str
    rows: list[list[Any]]
    error: str


@dataclass(frozen=True)
class Trino:
    url: str

    @property
    def namespace(self) -> str:
        """Namespace that the listener gives to tables."""
        return self.url.replace("http:", "trino:")

    def run(self, statement: str) -> Query:
        answer = requests.post(f"{self.url}/v1/statement", statement.encode(), headers=_USER, timeout=_QUERY_SECONDS)
        rows: list[list[Any]] = []
        page = answer.json()
        deadline = time.monotonic() + _QUERY_SECONDS
        while (following := page.get("nextUri")) and time.monotonic() < deadline:
            # The server answers when something is new, or after a second.
            page = requests.get(following, headers=_USER, timeout=_QUERY_SECONDS).json()
            rows += page.get("data", [])
        return Query(page["id"], rows, page.get("error", {}).get("message", ""))


@contextmanager
def running_trino(directory: Path, program: Path, *, port: int, url: str, key: str) -> Iterator[Trino]:
    """Start Trino, configured as docs/connect/openlineage-yml.md says. `url`: the connection's whole URL."""
    trino = Trino(f"http://127.0.0.1:{port}")
    listener = {
        "event-listener.name": "openlineage",
        "openlineage-event-listener.trino.uri": trino.url,
        "openlineage-event-listener.transport.type": "HTTP",
        "openlineage-event-listener.transport.url": url,
        "openlineage-event-listener.transport.api-key": key,
    }
    defined = _configured(directory, port, _write(directory / "listener.properties", listener))
    command = [str(program), "-Xmx1G", "-XX:TieredStopAtLevel=1", *defined, "-cp", f"{install()}/lib/*"]
    with (directory / "trino.txt").open("wb") as log:
        process = subprocess.Popen(
            [*command, "io.trino.server.TrinoServer"], cwd=directory, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        wait_until(lambda: _is_up(trino.url, process, directory), "Trino is up", seconds=_START_SECONDS)
        yield trino
    finally:
        process.kill()
        process.wait()


def _configured(directory: Path, port: int, listener: Path) -> list[str]:
    """Write the files of a server with tables in memory. Returns the options that name them."""
    settings = {
        "coordinator": "true",
        "node-scheduler.include-coordinator": "true",
        "http-server.http.port": port,
        "discovery.uri": f"http://127.0.0.1:{port}",
        "plugin.dir": install() / "plugin",
        "event-listener.config-files": listener,
    }
    (directory / "catalog").mkdir()
    _write(directory / "catalog" / "memory.properties", {"connector.name": "memory"})
    options = {
        "node.environment": "test",
        "node.id": "one",
        "node.data-dir": directory / "data",
        "node.bind-ip": "127.0.0.1",
        "node.internal-address": "127.0.0.1",
        "config": _write(directory / "config.properties", settings),
        "catalog.config-dir": directory / "catalog",
    }
    return [f"-D{name}={value}" for name, value in options.items()]


def _is_up(url: str, process: subprocess.Popen[bytes], directory: Path) -> bool:
    assert process.poll() is None, (directory / "trino.txt").read_text()[-5000:]
    try:
        return not requests.get(f"{url}/v1/info", timeout=_QUERY_SECONDS).json()["starting"]
    except requests.ConnectionError:
        return False


def _write(path: Path, properties: dict[str, Any]) -> Path:
    path.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
    return path
