"""The partitions of lineage_event: one a week, from Monday, and one for all that is in none of them."""

from datetime import date, timedelta

from django.db import connection, transaction
from psycopg import sql

# Waiting for a lock makes all later readers and writers of the table wait as well, so never for long.
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '1s'"

# Any number that nothing else of the product locks.
_MAKERS_LOCK = "SELECT pg_try_advisory_xact_lock(5230417, 1)"

_NAMES = """
SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = 'lineage_event'::regclass
"""

# Readers go on, which they would not with `CREATE TABLE ... PARTITION OF`. Writers wait until it is committed: one
# that had already chosen the default partition would fail there with 23514, as if its event could never be stored.
_CREATE = """
LOCK TABLE ONLY lineage_event IN SHARE ROW EXCLUSIVE MODE;
LOCK TABLE lineage_event_default IN ACCESS EXCLUSIVE MODE;
CREATE TABLE {name} (LIKE lineage_event INCLUDING ALL);
WITH moved AS (
    DELETE FROM lineage_event_default
    WHERE event_time >= {start}::timestamptz AND event_time < {end}::timestamptz
    RETURNING *
)
INSERT INTO {name} SELECT * FROM moved;
ALTER TABLE lineage_event ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end});
"""


def name_of_week(monday: date) -> str:
    return f"lineage_event_{monday:%Y_%m_%d}"


def partition_names() -> set[str]:
    """All that are attached, the default one too."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMES)
        return {name for (name,) in cursor.fetchall()}


def create_week(monday: date) -> bool:
    """Makes the partition of the week, and moves into it what came before it. False: another process is at it.

    Raises OperationalError (SQLSTATE 55P03) where the tables stay locked for longer than a second.
    """
    name = name_of_week(monday)
    statements = sql.SQL(_CREATE).format(
        name=sql.Identifier(name),
        start=sql.Literal(f"{monday}T00:00:00Z"),
        end=sql.Literal(f"{monday + timedelta(weeks=1)}T00:00:00Z"),
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK_TIMEOUT)
        cursor.execute(_MAKERS_LOCK)
        if cursor.fetchone() != (True,) or name in partition_names():
            return False
        cursor.execute(statements)
    return True
