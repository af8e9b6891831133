"""Environment of the quick start: sets what Django's settings need and the environment lacks.

manage.py calls it before Django's settings are read, so that every command finds the database of `make run`.
"""

import atexit
import os
import sys

import psycopg
from psycopg.conninfo import conninfo_to_dict

from quickstart.data_directory import DataDirectory
from quickstart.problem import CannotStart
from server.processes import end_with_starter

# Commands that run without a database.
_NEED_NO_SERVER = {"collectstatic", "help", "version", "--help", "-h", "--version"}


def prepare_environment(command: str) -> None:
    """Set what the environment lacks, such as DATABASE_URL and SECRET_KEY; start or join the embedded server for
    `command`.

    Ends the process with one sentence, without a traceback, if that is impossible.
    """
    end_with_starter()
    try:
        _prepare(command)
    except CannotStart as problem:
        sys.exit(f"Observatory cannot start. {problem}")
    except OSError as problem:
        sys.exit(f"Observatory cannot start: {problem.filename or 'DATA_DIR'}: {problem.strerror or problem}.")


def _prepare(command: str) -> None:
    data = DataDirectory.from_environment()
    if address := data.address:
        os.environ.setdefault("LOCAL_URL", address)
    if not _is_set("SECRET_KEY"):
        data.make()
        os.environ["SECRET_KEY"] = data.secret_key()
        # With a key of their own, operators choose the other one, too.
        if not _is_set("SECRETS_KEY"):
            os.environ["SECRETS_KEY"] = data.secrets_key()
    # People try it beside an orchestrator on their own machine.
    if "PULL_ALLOWED_HOSTS" not in os.environ:
        os.environ["PULL_ALLOWED_HOSTS"] = "localhost,127.0.0.0/8,::1"
    if _is_set("DATABASE_URL"):
        _refuse_malformed_url()
        return
    data.make()
    _use_embedded_server(data, command)


def _use_embedded_server(data: DataDirectory, command: str) -> None:
    try:
        from quickstart.lease import Lease  # noqa: PLC0415 - its packages are not installed in production
    except ModuleNotFoundError:
        raise CannotStart("DATABASE_URL is not set, and the embedded PostgreSQL is not installed.") from None
    lease = Lease(data)
    os.environ["DATABASE_URL"] = lease.url
    # The embedded server is for people at a terminal, not for collectors of logs.
    os.environ.setdefault("LOG_FORMAT", "console")
    if command not in _NEED_NO_SERVER:
        atexit.register(lease.leave)
        lease.join()


def _is_set(name: str) -> bool:
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def _refuse_malformed_url() -> None:
    try:
        conninfo_to_dict(os.environ.get("DATABASE_URL", ""))
    except psycopg.ProgrammingError:
        # psycopg's own message quotes the URL, which may contain a password.
        raise CannotStart("DATABASE_URL is not a connection string (postgresql://user:password@host/name).") from None
