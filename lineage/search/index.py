"""How PostgreSQL looks for words: by their index."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

_BY_INDEX = "SELECT set_config('enable_seqscan', 'off', true)"


@contextmanager
def by_index() -> Iterator[None]:
    """A transaction for queries that match `lineage_words`.

    Where PostgreSQL expects a word in nearly all jobs, it would rather read them one after the other, and cut each name
    into words again: a second for 100,000, instead of a tenth of one.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_BY_INDEX)
        yield
