"""What a load balancer or an orchestrator of containers asks: does this process live, and can it do its work?"""

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Final

import psycopg
from django.db import connection
from django.db.migrations.loader import MigrationLoader

# Seconds. A probe that hangs tells less than one that fails.
_CONNECTS_WITHIN: Final = 2
_ANSWERS_WITHIN: Final = 2
# Anybody may ask: whoever asks more often gets the last answer, so that asking costs the database nothing.
_ANSWER_HOLDS: Final = 1.0

_APPLIED = "SELECT app, name FROM django_migrations"
_DURABILITY = "SELECT current_setting('fsync'), current_setting('synchronous_commit')"


@dataclass(frozen=True, slots=True)
class Check:
    """`detail` names no host, user or version: anybody may read it."""

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
    """Asks the database, over a connection of its own: a pool that is busy is no reason to be taken out of service."""

    def __init__(self, connect: "Callable[[], psycopg.Connection[Any]]") -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._last: tuple[float, Readiness] | None = None

    def ask(self) -> Readiness:
        with self._lock:
            if self._last is None or time.monotonic() - self._last[0] > _ANSWER_HOLDS:
                readiness = self._ask_now()
                self._last = (time.monotonic(), readiness)
            return self._last[1]

    def _ask_now(self) -> Readiness:
        try:
            with self._connect() as database:
                database.execute(f"SET statement_timeout = '{_ANSWERS_WITHIN}s'")
                return Readiness(
                    {
                        "database": Check(ok=True, detail="reachable"),
                        "migrations": _migrations(database),
                        "durability": _durability(database),
                    }
                )
        except psycopg.Error:
            unknown = Check(ok=False, detail="unknown")
            unreachable = Check(ok=False, detail="unreachable")
            return Readiness({"database": unreachable, "migrations": unknown, "durability": unknown})


def connect() -> "psycopg.Connection[Any]":
    """A connection with the product's own parameters, outside its pool. Raises psycopg.OperationalError."""
    parameters = connection.get_connection_params()
    for name in ("context", "cursor_factory"):
        parameters.pop(name, None)
    return psycopg.connect(**parameters | {"connect_timeout": _CONNECTS_WITHIN, "autocommit": True})


def _migrations(database: "psycopg.Connection[Any]") -> Check:
    try:
        applied = set(database.execute(_APPLIED).fetchall())
    except psycopg.errors.UndefinedTable:
        applied = set()
    missing = len(_known_migrations() - applied)
    return Check(ok=not missing, detail=f"{missing} not applied" if missing else "all applied")


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return frozenset(loader.disk_migrations)


def _durability(database: "psycopg.Connection[Any]") -> Check:
    """Without either, an event that was acknowledged may be lost with the power."""
    fsync, synchronous_commit = database.execute(_DURABILITY).fetchone() or ("", "")
    off = [name for name, value in (("fsync", fsync), ("synchronous_commit", synchronous_commit)) if value == "off"]
    return Check(ok=not off, detail=f"off: {', '.join(off)}" if off else "fsync and synchronous_commit are on")
