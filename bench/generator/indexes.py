"""Removes the indexes of tables while these are filled, because building an index at once is much faster."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql

# Sorted, so that the indexes on which `lineage_run_key` is built exist before it.
_FOUND = """
SELECT relation.relname, index.relname, pg_get_constraintdef(pg_constraint.oid), pg_get_indexdef(indexrelid)
FROM pg_index
JOIN pg_class AS relation ON relation.oid = indrelid
JOIN pg_class AS index ON index.oid = indexrelid
LEFT JOIN pg_constraint ON conindid = indexrelid AND contype IN ('p', 'u')
WHERE relation.relname = ANY(%s) AND relation.relnamespace = 'public'::regnamespace
ORDER BY index.relname
"""


@contextmanager
def without_indexes(connection: psycopg.Connection, tables: Sequence[str]) -> Iterator[None]:
    """Drop all indexes and keys of the tables and their partitions; create them again at the end."""
    found = connection.execute(_FOUND, [list(tables)]).fetchall()
    for table, index, constraint, _ in found:
        drop = "ALTER TABLE {table} DROP CONSTRAINT {index}" if constraint else "DROP INDEX {index}"
        connection.execute(_statement(drop, table, index))
    yield
    for table, index, constraint, definition in found:
        if constraint:
            connection.execute(_statement(f"ALTER TABLE {{table}} ADD CONSTRAINT {{index}} {constraint}", table, index))
        else:
            # The definition of a partitioned table's index would create it only on that table.
            connection.execute(definition.replace(" ON ONLY ", " ON ", 1))


def _statement(text: str, table: str, index: str) -> sql.Composed:
    return sql.SQL(text).format(table=sql.Identifier(table), index=sql.Identifier(index))
