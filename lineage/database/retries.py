"""Transactions that are tried again when another one upset them."""

from collections.abc import Callable
from typing import Final, TypeVar

from django.db import Error

from lineage.database.pipeline import STATEMENT_UNKNOWN
from lineage.database.sessions import count_retry, let_go, sqlstate_of

T = TypeVar("T")

# SQLSTATEs of transactions that another one upset: serialization_failure, deadlock_detected.
_UPSET: Final = ("40001", "40P01")
_TRIES: Final = 5


def with_retries(transact: Callable[[], T]) -> T:
    """Calls `transact`, which is one transaction, and again if another one upset it. Raises database errors."""
    for remaining in range(_TRIES - 1, -1, -1):
        try:
            return transact()
        except Error as error:
            sqlstate = sqlstate_of(error)
            if not remaining or sqlstate not in (*_UPSET, STATEMENT_UNKNOWN):
                raise
            if sqlstate in _UPSET:
                count_retry(error)
            let_go(error)
    raise AssertionError("the last try returns or raises")
