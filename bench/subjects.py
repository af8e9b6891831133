"""Subjects of the measurements: the product, and its references.

Each has a server. Those that store events have a database of their own, on one PostgreSQL.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg

from bench.databases import another_database
from bench.references import raw_insert
from tests.serving import OwnDatabase, serve

PRODUCT = "intake"
NAIVE = "naive ORM"
RAW_INSERT = "raw INSERT"
DECODE_ONLY = "decode only"

_REFERENCE_PATH = "/lineage"


@dataclass(frozen=True)
class Subject:
    """Server to measure. `pid`: its first process. `count`: query that counts the stored events; None: it stores none.

    `may_refuse`: a refused request is counted, and does not end the benchmark.
    """

    name: str
    pid: int
    port: int
    path: str
    key: str = ""
    database_url: str = ""
    count: str | None = None
    may_refuse: bool = False

    def stored(self) -> int | None:
        if self.count is None:
            return None
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute(self.count).fetchone()
        assert row
        return int(row[0])


@contextmanager
def product(
    database: OwnDatabase, directory: Path, *, name: str = PRODUCT, sender: tuple[UUID, str] | None = None
) -> Iterator[Subject]:
    """Serve the product. `sender`: a connection's id and an API key of it; None: a new one."""
    connection_id, key = sender or database.add_sender()
    with serve(database.url, directory / f"{name}.txt") as server:
        count = "SELECT count(*) FROM lineage_event"
        path = server.path(connection_id)
        yield Subject(name, server.process.pid, server.port, path, key, database.url, count)


@contextmanager
def naive_orm(database: OwnDatabase, directory: Path) -> Iterator[Subject]:
    url = another_database(database, "naive")
    command = [sys.executable, "-m", "bench.references.naive_orm", "create_tables"]
    subprocess.run(command, check=True, env={"DATABASE_URL": url})
    with serve(
        url,
        directory / "naive.txt",
        application="bench.references.naive_orm:application",
        arguments=("--worker-class", "gthread", "--threads", "16"),
        ready_path=_REFERENCE_PATH,
    ) as server:
        count = "SELECT count(*) FROM naive_event"
        yield Subject(NAIVE, server.process.pid, server.port, _REFERENCE_PATH, "naive", url, count)


@contextmanager
def raw_inserts(database: OwnDatabase, directory: Path) -> Iterator[Subject]:
    url = another_database(database, "raw")
    with psycopg.connect(url) as connection:
        connection.execute(raw_insert.TABLE)
        connection.execute(raw_insert.COMPRESSION)
    with serve(
        url,
        directory / "raw.txt",
        application="bench.references.raw_insert:application",
        ready_path=_REFERENCE_PATH,
    ) as server:
        yield Subject(RAW_INSERT, server.process.pid, server.port, _REFERENCE_PATH, "", url, raw_insert.COUNT)


@contextmanager
def decode_only(database: OwnDatabase, directory: Path) -> Iterator[Subject]:
    with serve(
        database.url,
        directory / "decode.txt",
        application="bench.references.decode_only:application",
        ready_path=_REFERENCE_PATH,
    ) as server:
        yield Subject(DECODE_ONLY, server.process.pid, server.port, _REFERENCE_PATH)


# From the slowest to the fastest, as the table shows them.
LADDER = [naive_orm, raw_inserts, product, decode_only]
