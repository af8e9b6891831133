"""Mistakes are reported in one line, without a traceback, and without a password."""

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def complaint(manage: Callable[..., "subprocess.CompletedProcess[str]"]) -> Callable[..., str]:
    def run(*arguments: str, **environment: str) -> str:
        ended = manage("quickstart", *arguments, **environment)
        lines = ended.stderr.strip().splitlines()
        assert ended.returncode != 0
        assert len(lines) == 1, ended.stderr
        return lines[0]

    return run


@pytest.mark.usefixtures("with_tables")
def test_a_port_in_use(complaint: Callable[..., str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert f"Port {port} cannot be used" in complaint("--port", str(port))


@pytest.mark.usefixtures("with_tables")
def test_a_port_that_is_none(complaint: Callable[..., str]) -> None:
    assert "'http' is not a port" in complaint("--port", "http")


def test_a_data_directory_that_cannot_be_written(complaint: Callable[..., str]) -> None:
    # Not even root can create a directory there.
    assert "/proc/observatory" in complaint(DATA_DIR="/proc/observatory")


def test_a_data_directory_that_is_a_file(complaint: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert "File exists" in complaint(DATA_DIR=str(tmp_path / "file"))


def test_a_path_that_is_too_long_for_a_socket(complaint: Callable[..., str], tmp_path: Path) -> None:
    assert "too long for a Unix socket" in complaint(DATA_DIR=str(tmp_path / ("d" * 100)))


def test_a_database_that_cannot_be_reached(complaint: Callable[..., str]) -> None:
    said = complaint(DATABASE_URL="postgresql://someone:s3cret@127.0.0.1:1/none")

    assert "cannot be reached" in said
    assert "s3cret" not in said


def test_a_database_url_that_is_none(complaint: Callable[..., str]) -> None:
    said = complaint(DATABASE_URL="postgres//someone:s3cret@host")

    assert "DATABASE_URL is not a connection string" in said
    assert "s3cret" not in said


@pytest.mark.usefixtures("with_tables")
def test_an_administrator_that_cannot_be_made(complaint: Callable[..., str]) -> None:
    assert "cannot be created" in complaint(DJANGO_SUPERUSER_USERNAME="not a name!")
