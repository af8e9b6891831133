"""Spark as people install it, in its own environment, with OpenLineage's listener from Maven Central."""

import hashlib
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import requests

from tests.senders.environments import install
from tests.serving import ROOT
from web.guides.runners import SPARK

PROGRAM = Path(__file__).parent / "spark_jobs.py"
# Git-ignored, and kept from one test session to the next.
ENVIRONMENT = ROOT / ".venv-spark"
LOCK = ROOT / "requirements" / "spark.lock"
NAMESPACE = "shop"
_REPOSITORY = os.environ.get("MAVEN_REPOSITORY", "https://repo1.maven.org/maven2")
_LISTENER = f"io/openlineage/openlineage-spark_2.13/{SPARK.version}/openlineage-spark_2.13-{SPARK.version}.jar"
_LISTENER_SHA256 = "5d84b0ae7e72909b5aae7ed87df878bf06b28d9ac3005765c3529d0a66dbae6f"
_DOWNLOAD_SECONDS = 60
_APPLICATION_SECONDS = 300
# Variables of the caller with these prefixes would configure this Spark wrongly.
_NOT_PASSED_ON = ("OPENLINEAGE", "PYSPARK", "PYTHON", "SPARK")


def listener() -> Path:
    """Return the listener's jar. Downloads it if the environment has none."""
    jar = ENVIRONMENT / Path(_LISTENER).name
    if not jar.exists():
        answer = requests.get(f"{_REPOSITORY}/{_LISTENER}", timeout=_DOWNLOAD_SECONDS)
        answer.raise_for_status()
        assert hashlib.sha256(answer.content).hexdigest() == _LISTENER_SHA256, f"not the listener: {answer.url}"
        jar.write_bytes(answer.content)
    return jar


@dataclass(frozen=True)
class Spark:
    """Installed Spark, with the destination of its events. Writes its own logs and the applications' data to
    `directory`."""

    directory: Path
    commands: Path
    jar: Path

    @classmethod
    def configure(cls, directory: Path, *, url: str, key: str) -> "Spark":
        """Write spark-defaults.conf as docs/connect/spark.md says. `url`: the connection's whole URL."""
        spark = cls(directory, install(ENVIRONMENT, LOCK), listener())
        spark.event_logs.mkdir()
        settings = {
            "spark.jars": spark.jar,
            "spark.extraListeners": "io.openlineage.spark.agent.OpenLineageSparkListener",
            "spark.openlineage.transport.type": "http",
            "spark.openlineage.transport.url": url,
            "spark.openlineage.transport.auth.type": "api_key",
            "spark.openlineage.transport.auth.apiKey": key,
            "spark.openlineage.namespace": NAMESPACE,
            "spark.master": "local[1]",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.sql.shuffle.partitions": 1,
            # For a program of seconds the second compiler costs more than it saves.
            "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
            "spark.ui.enabled": "false",
            # One file of plain JSON for each application.
            "spark.eventLog.enabled": "true",
            "spark.eventLog.dir": spark.event_logs.as_uri(),
            "spark.eventLog.compress": "false",
            "spark.eventLog.rolling.enabled": "false",
        }
        (directory / "spark-defaults.conf").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        return spark

    @property
    def event_logs(self) -> Path:
        return self.directory / "event_logs"

    def start(self, what: str, name: str) -> "Application":
        """Start an application of spark_jobs.py. `name`: its name in Spark."""
        log = self.directory / f"{name}.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [self.commands / "spark-submit", PROGRAM, what, name, self.directory / name],
                cwd=self.directory,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return Application(name, process, log)

    @property
    def _environment(self) -> dict[str, str]:
        outside = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)}
        return outside | {
            "PATH": f"{self.commands}{os.pathsep}{os.environ['PATH']}",
            "SPARK_CONF_DIR": str(self.directory),
        }


@dataclass(frozen=True)
class Application:
    name: str
    process: subprocess.Popen[bytes] = field(repr=False)
    log: Path

    def wait(self, *, succeeds: bool) -> None:
        """Wait until it ends. The listener has then sent all its events."""
        try:
            code = self.process.wait(_APPLICATION_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        assert (code == 0) is succeeds, self.log.read_text()[-5000:]
