"""Management commands as processes, on the database of the test session."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psycopg
from django.db import connection as database

ROOT = Path(__file__).parents[2]


class Command:
    """Command that was started. Its output goes to a file, so that it never waits for a reader."""

    def __init__(self, arguments: tuple[str, ...], environment: dict[str, str], output: IO[str]) -> None:
        self._output = output
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    @property
    def said(self) -> str:
        return Path(self._output.name).read_text()

    def ended_well(self, seconds: float = 60) -> str:
        """Waits for its end: what it said."""
        assert self.process.wait(seconds) == 0, self.said
        return self.said

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


Start = Callable[..., Command]


@contextmanager
def commands() -> Iterator[Start]:
    """Starts `manage.py …` on the test's database, or on another URL; ends what still runs."""
    started: list[Command] = []

    def start(*arguments: str, url: str = "", **environment: str) -> Command:
        url = url or psycopg.conninfo.make_conninfo(os.environ["DATABASE_URL"], dbname=database.settings_dict["NAME"])
        output = tempfile.NamedTemporaryFile("w")  # noqa: SIM115 - deleted with the command
        started.append(
            Command(
                arguments,
                {
                    "DATABASE_URL": url,
                    "SECRET_KEY": "for-tests-only-and-as-long-as-a-key-must-be-0123456789",
                    **environment,
                },
                output,
            )
        )
        return started[-1]

    try:
        yield start
    finally:
        for command in started:
            command.kill()
