"""Events that PostgreSQL refuses, like any value that decoding lets through and no column can hold."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def refused_by_the_database(name: str) -> Iterator[None]:
    """The database refuses jobs of this name."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE lineage_job ADD CONSTRAINT no_poison CHECK (name <> '{name}')")
        try:
            yield
        finally:
            cursor.execute("ALTER TABLE lineage_job DROP CONSTRAINT no_poison")
