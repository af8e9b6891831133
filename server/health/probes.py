"""Health probes for load balancers and container orchestrators: liveness and readiness."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Final, Union

import psycopg
from django.db import DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.migrations.loader import MigrationLoader

# Seconds. A probe must fail rather than hang.
_CONNECTS_WITHIN: Final = 2
_ANSWERS_WITHIN: Final = 2
# Seconds for which an answer is cached, because anybody may call the probe, and it must not load the database.
_ANSWER_HOLDS: Final = 1.0

_HAS_MIGRATIONS = "SELECT to_regclass('django_migrations') IS NOT NULL"
_APPLIED = "SELECT app, name FROM django_migrations"
_DURABILITY = "SELECT current_setting('fsync'), current_setting('synchronous_commit')"


Connect = Callable[[], "psycopg.Connection[Any]"]
Cursor = Union["psycopg.Cursor[Any]", CursorWrapper]


@dataclass(frozen=True, slots=True)
class Check:
    """Result of one check. `detail` names no host, user or version, because anybody may read it."""

    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Readiness:
    checks: dict[str, Check]

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks.values())

    def as_json(self) -> dict[str, Any]:
        return {
            "status": "ready" if self.ok else "not ready",
            "checks": {name: asdict(check) for name, check in self.checks.items()},
        }


class ReadinessProbe:
    """Readiness of the database, checked over a connection of its own: a busy pool does not make this server unready.

    If that fails, a cursor of `pool` is tried: its sessions may work while PostgreSQL accepts no further one.
    """

    def __init__(self, connect: Connect, pool: Callable[[], AbstractContextManager[Cursor]] | None = None) -> None:
        self._sessions = [lambda: _own_session(connect), *([pool] if pool else [])]
        self._lock = threading.Lock()
        self._last: tuple[float, Readiness] | None = None

    def ask(self) -> Readiness:
        with self._lock:
            if self._last is None or time.monotonic() - self._last[0] > _ANSWER_HOLDS:
                readiness = self._ask_now()
                self._last = (time.monotonic(), readiness)
            return self._last[1]

    def _ask_now(self) -> Readiness:
        for session in self._sessions:
            with suppress(psycopg.Error, DatabaseError), session() as cursor:
                return _checked(cursor)
        unknown = Check(ok=False, detail="unknown")
        unreachable = Check(ok=False, detail="unreachable")
        return Readiness({"database": unreachable, "migrations": unknown, "durability": unknown})


@contextmanager
def _own_session(connect: Connect) -> Iterator[Cursor]:
    with connect() as database, database.cursor() as cursor:
        cursor.execute(f"SET statement_timeout = '{_ANSWERS_WITHIN}s'")
        yield cursor


@contextmanager
def pool_session() -> Iterator[Cursor]:
    """Take a session of Django's pool; the end of the request gives it back."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{_ANSWERS_WITHIN}s'")
        yield cursor


def _checked(cursor: Cursor) -> Readiness:
    return Readiness(
        {
            "database": Check(ok=True, detail="reachable"),
            "migrations": _migrations(cursor),
            "durability": _durability(cursor),
        }
    )


def connect() -> "psycopg.Connection[Any]":
    """Open a connection with the product's own parameters, outside its pool. Raises psycopg.OperationalError."""
    parameters = connection.get_connection_params()
    for name in ("context", "cursor_factory"):
        parameters.pop(name, None)
    return psycopg.connect(**parameters | {"connect_timeout": _CONNECTS_WITHIN, "autocommit": True})


def _migrations(cursor: Cursor) -> Check:
    cursor.execute(_HAS_MIGRATIONS)
    applied = set()
    if cursor.fetchone() == (True,):
        cursor.execute(_APPLIED)
        applied = set(cursor.fetchall())
    missing = len(_known_migrations() - applied)
    return Check(ok=not missing, detail=f"{missing} not applied" if missing else "all applied")


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return frozenset(loader.disk_migrations)


def _durability(cursor: Cursor) -> Check:
    """Check settings without which a power failure may lose an acknowledged event."""
    cursor.execute(_DURABILITY)
    fsync, synchronous_commit = cursor.fetchone() or ("", "")
    off = [name for name, value in (("fsync", fsync), ("synchronous_commit", synchronous_commit)) if value == "off"]
    return Check(ok=not off, detail=f"off: {', '.join(off)}" if off else "fsync and synchronous_commit are on")
