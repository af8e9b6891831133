"""`manage.py maintain` as a process: once, or until it is stopped."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database

from connections import actions
from connections.models import Connection
from lineage.sql.partitions import partition_names

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def drop_a_partition() -> str:
    name = max(partition_names() - {"lineage_event_default"})
    with database.cursor() as cursor:
        cursor.execute(f"DROP TABLE {name}")
    return name


def remove_a_connection() -> None:
    connection = actions.create_connection(name="leaving", type="dbt", created_by=None, now=NOW)
    actions.end_connection(connection=connection, now=NOW)


def until(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass within 20 s"
        time.sleep(0.05)


@pytest.fixture
def maintain(tmp_path):
    """Starts it with --every, on the test's database or on another URL; what it wrote is in the file it gives."""
    processes = []

    def start(seconds: str, url: str = "") -> tuple[subprocess.Popen, Path]:
        settings = database.settings_dict
        test_url = f"postgresql://{settings['USER']}:{settings['PASSWORD']}@/{settings['NAME']}?host={settings['HOST']}"
        if settings["PORT"]:
            test_url += f"&port={settings['PORT']}"
        output = tmp_path / "output"
        with output.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "maintain", "--every", seconds],
                cwd=ROOT,
                env=os.environ | {"DATABASE_URL": url or test_url, "SECRET_KEY": "for-tests-only"},
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        processes.append(process)
        return process, output

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.django_db
def test_once_it_makes_partitions_and_sweeps_removed_connections(restored_signals):
    name = drop_a_partition()
    remove_a_connection()
    call_command("maintain")
    assert name in partition_names()
    assert not Connection.objects.exists()


@pytest.fixture
def restored_signals():
    """The command ends with its process; here its handlers would stay."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_goes_on_until_it_is_told_to_stop_and_stops_at_once(maintain, number):
    remove_a_connection()
    process, output = maintain("0.1")
    until(lambda: not Connection.objects.exists())
    remove_a_connection()
    until(lambda: not Connection.objects.exists())
    process.send_signal(number)
    began = time.monotonic()
    assert process.wait(timeout=10) == 0
    assert time.monotonic() - began < 3
    assert "Traceback" not in output.read_text()


@pytest.mark.django_db(transaction=True)
def test_a_stop_does_not_wait_for_the_next_round(maintain):
    remove_a_connection()
    process, _ = maintain("3600")
    until(lambda: not Connection.objects.exists())
    process.terminate()
    assert process.wait(timeout=5) == 0


@pytest.mark.django_db
def test_it_survives_a_database_that_is_away(maintain):
    process, output = maintain("0.1", url="postgresql://nobody@127.0.0.1:1/none")
    until(lambda: output.read_text().count("maintenance_failed") >= 2)
    assert process.poll() is None
    process.terminate()
    assert process.wait(timeout=10) == 0


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_an_interval_that_is_none_is_refused(seconds):
    with pytest.raises(CommandError):
        call_command("maintain", "--every", seconds)
