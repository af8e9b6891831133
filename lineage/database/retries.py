"""Transactions that are tried again when another one upset them."""

from collections.abc import Callable
from typing import Final, TypeVar

from django.db import Error, transaction

from lineage.database.pipeline import STATEMENT_UNKNOWN
from lineage.database.sessions import count_retry

T = TypeVar("T")

# SQLSTATEs of transactions that another one upset: serialization_failure, deadlock_detected.
UPSET: Final = ("40001", "40P01")
TRIES: Final = 5


def in_transaction(step: Callable[[], T]) -> T:
    """Calls `step` in a transaction, and again if another one upset it. Raises Django's database errors."""
    for remaining in range(TRIES - 1, -1, -1):
        try:
            with transaction.atomic():
                return step()
        except Error as error:
            sqlstate = getattr(error.__cause__, "sqlstate", None)
            if not remaining or sqlstate not in (*UPSET, STATEMENT_UNKNOWN):
                raise
            if sqlstate in UPSET:
                count_retry(error)
    raise AssertionError("the last try returns or raises")
