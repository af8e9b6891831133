"""What is measured: the product, and the references that it is compared with. Each has a server and a database."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.serving import LiveServer, OwnDatabase, serve

PRODUCT = "intake"
NAIVE = "naive ORM"


@dataclass(frozen=True)
class Subject:
    """`count` is the query that counts stored events."""

    name: str
    server: LiveServer
    database_url: str
    path: str
    key: str
    count: str

    def stored(self) -> int:
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute(self.count).fetchone()
        assert row
        return int(row[0])


@contextmanager
def product(database: OwnDatabase, directory: Path) -> Iterator[Subject]:
    connection_id, key = database.add_sender()
    with serve(database.url, directory / "intake.txt") as server:
        path = server.path(connection_id)
        yield Subject(PRODUCT, server, database.url, path, key, "SELECT count(*) FROM lineage_event")


@contextmanager
def naive_orm(database: OwnDatabase, directory: Path) -> Iterator[Subject]:
    url = _another_database(database.url, "naive")
    environment = {"DATABASE_URL": url}
    subprocess.run([sys.executable, "-m", "bench.naive_orm", "create_tables"], check=True, env=environment)
    with serve(
        url,
        directory / "naive.txt",
        application="bench.naive_orm:application",
        arguments=("--worker-class", "gthread", "--threads", "16"),
        ready_path="/lineage",
    ) as server:
        yield Subject(NAIVE, server, url, "/lineage", "naive", "SELECT count(*) FROM naive_event")


def _another_database(url: str, name: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return psycopg.conninfo.make_conninfo(url, dbname=name)


# In the order in which the table shows them.
ALL = [product, naive_orm]
