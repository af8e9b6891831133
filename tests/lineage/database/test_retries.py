"""Transactions that another one upset are tried again."""

import gc
import weakref

import pytest
from django.db import connection

from lineage.database.retries import with_retries

pytestmark = pytest.mark.django_db(transaction=True)


class Event:
    """Event, which a transaction holds while it runs."""


def test_a_try_that_failed_holds_no_memory() -> None:
    """Each event would stay until Python next looks for cycles."""
    tries: list[weakref.ref[Event]] = []

    def transact() -> int:
        event = Event()
        tries.append(weakref.ref(event))
        if len(tries) < 3:
            with connection.cursor() as cursor:
                cursor.execute("DO $$ BEGIN RAISE deadlock_detected; END $$")
        return len(tries)

    gc.disable()
    try:
        assert with_retries(transact) == 3
        assert [event() for event in tries] == [None] * 3
    finally:
        gc.enable()
