"""Statements that PostgreSQL parses and plans once for each session, rather than each time."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor


@contextmanager
def prepared() -> Iterator[None]:
    """For long statements that find their rows by keys, whatever the values: what the ORM or a cursor asks within.

    One plan serves all values. It knows none of them, so it never takes an index that is for some values alone (`WHERE
    state IN …`), and it supposes each of them to be as frequent as any other: what filters by a state, or by a value
    that is rare, does not belong here. See docs/decisions/0025-prepared-statements-of-pages.md.
    """
    connection.ensure_connection()
    session = connection.connection
    before, session.cursor_factory = session.cursor_factory, ServerBindingCursor
    try:
        yield
    finally:
        session.cursor_factory = before
