"""Migrations of a database in use: nobody waits for more than two seconds, and in the end they are done."""

import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.lineage.commands import Start, commands
from tests.serving import OwnDatabase, own_database
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def own() -> Iterator[OwnDatabase]:
    with own_database() as database:
        yield database


@pytest.fixture
def start_command() -> Iterator[Start]:
    with commands() as start:
        yield start


def _is_there(own: OwnDatabase, table: str) -> bool:
    with psycopg.connect(own.url) as session:
        [(there,)] = session.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchall()
    return bool(there)


def test_a_table_in_use_is_tried_again_and_others_do_not_wait_for_long(own: OwnDatabase, start_command: Start) -> None:
    """The test reverts one of the first migrations, the only ones so far, which locks its table, too."""
    longest, tries = 0.0, 0
    with psycopg.connect(own.url) as reader, psycopg.connect(own.url, autocommit=True) as other:
        other.execute("SET statement_timeout = '20s'")
        # A long report.
        reader.execute("SELECT FROM people_apitoken")
        migrating = start_command("migrate", "people", "zero", url=own.url)
        while tries < 2:
            began = time.monotonic()
            other.execute("SELECT FROM people_apitoken")
            longest = max(longest, time.monotonic() - began)
            # Without a pause it would take a processor until the migration waits again.
            time.sleep(0.01)
            tries = migrating.said.count("trying again")
            assert migrating.process.poll() is None, migrating.said
    # Without a limit it would have waited as long as the report takes.
    assert 0.5 < longest < 2
    migrating.ended_well()
    assert not _is_there(own, "people_apitoken")


def test_afterwards_the_session_waits_as_before(own: OwnDatabase) -> None:
    own.manage("migrate", "--verbosity", "0")
    assert _is_there(own, "people_apitoken")
    said = own.manage(
        "shell",
        "--no-imports",
        "--command",
        "from django.core.management import call_command\n"
        "from django.db import connection\n"
        "call_command('migrate', verbosity=0)\n"
        "with connection.cursor() as cursor:\n"
        "    cursor.execute('SHOW lock_timeout')\n"
        "    print(cursor.fetchall())\n",
    )
    assert said.strip() == "[('0',)]"


def test_another_error_is_not_tried_again(start_command: Start) -> None:
    away = start_command("migrate", url="postgresql://nobody@127.0.0.1:1/none")
    wait_until(lambda: away.process.poll() is not None, seconds=30)
    assert away.process.returncode == 1
    assert "trying again" not in away.said
