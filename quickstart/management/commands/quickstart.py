"""Command behind `make run`: starts everything that the product needs."""

import http.client
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import psycopg
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from quickstart.administrator import NewAdministrator, ensure_administrator
from quickstart.data_directory import DataDirectory
from quickstart.demo.send import DemoRefused, send_demo
from quickstart.problem import CannotStart
from quickstart.static_files import collect_static_files
from quickstart.supervisor import Program, Supervisor
from server.health.probes import connect

HOST = "127.0.0.1"
_OF_ADMINISTRATOR = frozenset({"DJANGO_SUPERUSER_PASSWORD"})
_ANSWERS_WITHIN = 60.0  # seconds
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Command(BaseCommand):
    # They load every page, which takes longer than all else; `migrate` and the tests run them.
    requires_system_checks = ()
    help = "Serves Observatory on one machine: migrates, creates the first administrator, starts the server."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", default="8000")
        parser.add_argument("--demo", action="store_true", help="also send sample data")

    def handle(self, *, port: str, demo: bool, **_options: Any) -> None:
        for number in _STOPPING:
            signal.signal(number, _leave_quietly)
        self._unshown: NewAdministrator | None = None
        try:
            self._serve(_number(port), demo=demo)
        finally:
            self._show_administrator()

    def _serve(self, port: int, *, demo: bool) -> None:
        try:
            _refuse_taken_port(port)
            _refuse_unreachable_database()
            self._prepare()
        except (CannotStart, OSError) as problem:
            raise CommandError(str(problem)) from None
        supervisor = _supervisor(port)

        def when_started() -> None:
            if _await_response(port, supervisor):
                self._greet(port)
                if demo:
                    self._send_demo(port, supervisor)

        if not supervisor.run(when_started=when_started):
            raise CommandError("The server ended unexpectedly; its output is above.")

    def _send_demo(self, port: int, supervisor: Supervisor) -> None:
        try:
            sent = send_demo(f"http://{HOST}:{port}", is_wanted=lambda: not supervisor.should_stop)
        except DemoRefused as problem:
            self.stderr.write(str(problem))
        else:
            self.stdout.write(
                f"  Sample data: {sent} events were sent.\n" if sent else "  Sample data: already there.\n"
            )
        self.stdout.flush()
        _close_pool()

    def _greet(self, port: int) -> None:
        data = DataDirectory.from_environment()
        data.note_address(f"http://{HOST}:{port}")
        self._say("")
        self._say(f"  Observatory is ready at  http://{HOST}:{port}")
        self._show_administrator()
        if connection.settings_dict["HOST"] == str(data.postgres):
            self._say(f"  Data is kept in          {data.root}")
        self._say("  Stop with Ctrl-C")
        self._say("")

    def _show_administrator(self) -> None:
        """Show the new administrator, once in the life of an installation, even if this start fails before the server
        is ready."""
        if self._unshown is None:
            return
        self._say(f"  Sign in as               {self._unshown.username}")
        if self._unshown.password is not None:
            self._say(f"  Password                 {self._unshown.password}   (it is not shown again)")
        self._unshown = None

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _prepare(self) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        with _signals_delayed():
            self._unshown = ensure_administrator()
        collect_static_files()
        _close_pool()


def _number(port: str) -> int:
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise CommandError(f"{port!r} is not a port: choose a number from 1 to 65535, for example PORT=8000.")
    return int(port)


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} cannot be used ({error.strerror}): choose another, for example PORT=8001."
            ) from None


def _refuse_unreachable_database() -> None:
    try:
        connect().close()
    except psycopg.OperationalError as error:
        reason = str(error).strip().partition("\n")[0]
        raise CommandError(f"The database of DATABASE_URL cannot be reached: {reason}") from None


def _close_pool() -> None:
    """Close the pool: the supervisor needs no database, and the pool's threads would keep reconnecting."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's


def _supervisor(port: int) -> Supervisor:
    os.environ["PORT"] = str(port)
    os.environ.setdefault("LOG_FORMAT", "console")
    serve = ["-m", "gunicorn", "--config", "python:server.gunicorn", "server.asgi:application"]
    maintain = ["manage.py", "maintain", "--every", "60"]
    withheld = _OF_ADMINISTRATOR | {"METRICS_TOKEN"}
    return Supervisor(
        [
            Program("the server", serve, essential=True, withheld=_OF_ADMINISTRATOR),
            Program("maintenance", maintain, essential=False, withheld=withheld | {"SECRETS_KEY"}),
            Program("fetching", ["manage.py", "pull"], essential=False, withheld=withheld),
        ]
    )


def _await_response(port: int, supervisor: Supervisor) -> bool:
    """Wait until the server answers. False: it ended, or somebody stopped it."""
    deadline = time.monotonic() + _ANSWERS_WITHIN
    while supervisor.is_healthy() and not supervisor.should_stop and time.monotonic() < deadline:
        client = http.client.HTTPConnection(HOST, port, timeout=2)
        try:
            client.request("GET", "/health/live")
            if client.getresponse().status == http.HTTPStatus.OK:
                return True
        except (OSError, http.client.HTTPException):
            pass
        finally:
            client.close()
        time.sleep(0.05)
    return False


@contextmanager
def _signals_delayed() -> Iterator[None]:
    """Delay signals until the end of the block: nothing may end the process after the password is generated and before
    it is known here."""
    came: list[int] = []
    before = {number: signal.signal(number, lambda it, _frame: came.append(it)) for number in _STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])


def _leave_quietly(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(130)
