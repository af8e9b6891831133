"""Counters of the database's failures for Prometheus; docs/metrics.md explains it to operators."""

from enum import StrEnum
from typing import Final

from prometheus_client import Counter


class Failure(StrEnum):
    """Kinds of database error, by what an operator would do about them."""

    LOST = "lost"  # the session ended, or none could begin: PostgreSQL is away
    POOL = "pool"  # no session of the pool came free in time
    TIMEOUT = "timeout"  # a statement or a lock took too long
    CONFLICT = "conflict"  # deadlock, serialization
    RESOURCES = "resources"  # disk or memory full, too many connections
    DATA = "data"  # these values can never be stored
    OTHER = "other"


_errors = Counter("observatory_database_errors_total", "Errors of the database that the intake met, by kind.", ["kind"])
ERRORS: Final = {kind: _errors.labels(kind) for kind in Failure}
_retries = Counter("observatory_database_retries_total", "What was tried again after an error, by its kind.", ["kind"])
_RETRIED: Final = (Failure.LOST, Failure.TIMEOUT, Failure.CONFLICT, Failure.DATA)
RETRIES: Final = {kind: _retries.labels(kind) for kind in _RETRIED}
