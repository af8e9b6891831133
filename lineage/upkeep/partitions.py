"""Partitions of lineage_event: one for each week, from Monday, and a default one for all other times."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, LiteralString

from django.db import connection, transaction
from psycopg import sql

from lineage.upkeep.maintenance import short_transaction, try_maintenance_lock

_WEEK: Final = timedelta(weeks=1)
_PREFIX: Final = "lineage_event_"
DEFAULT: Final = "lineage_event_default"

# A new partition takes over at most this many events from the default partition, which takes half a second. If there
# are more, the week gets no partition, and its events stay in the default one.
MOVABLE: Final = 2000
# Pages of the default partition that one transaction deletes: some 2,000 events.
_PAGES: Final = 32

_NAMES = """
SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = 'lineage_event'::regclass
"""

_EARLY_EVENTS = """
SELECT count(*) FROM (
    SELECT FROM lineage_event_default WHERE event_time >= {start}::timestamptz AND event_time < {end}::timestamptz
    LIMIT {limit}
) AS early
"""

# Readers can go on, which `CREATE TABLE ... PARTITION OF` would not allow. Writers wait for the commit: one that had
# already chosen the default partition would fail there with 23514, as if its event could never be stored.
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

# Dropping locks all three tables anyway; this fixes the order. PostgreSQL detaches concurrently only if there is no
# default partition.
_LOCK_FOR_DROP = """
LOCK TABLE ONLY lineage_event IN ACCESS EXCLUSIVE MODE;
LOCK TABLE lineage_event_default IN ACCESS EXCLUSIVE MODE;
LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE;
"""

# Reads only what was added since the last call, and blocks no writer.
_SUMMARIZE = """
SELECT brin_summarize_new_values(indexrelid)
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam
WHERE indrelid = {name}::regclass AND amname = 'brin'
"""

# The planner expects to find a row soon in any order, and would read the whole partition if there is none.
_USE_INDEX = "SET LOCAL enable_seqscan = off"
_RECEIVED_SINCE = "SELECT EXISTS (SELECT FROM {name} WHERE received_at >= {moment})"
_RECEIVED_BEFORE = "SELECT EXISTS (SELECT FROM {name} WHERE received_at < {moment})"

_DELETE = """
DELETE FROM lineage_event_default
WHERE ctid >= %s::tid AND ctid < %s::tid AND received_at < %s
"""


def name_of_week(monday: date) -> str:
    return f"{_PREFIX}{monday:%Y_%m_%d}"


def partition_names() -> set[str]:
    """Return the names of all attached partitions, the default one included."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMES)
        return {name for (name,) in cursor.fetchall()}


def weeks() -> list[date]:
    """Return the Mondays of the weeks that have a partition, sorted."""
    names = sorted(partition_names() - {DEFAULT})
    return [date(*map(int, name.removeprefix(_PREFIX).split("_"))) for name in names]


def monday_of(moment: datetime) -> date:
    """Return the Monday of a moment's week. `moment`: in UTC."""
    return moment.date() - timedelta(days=moment.weekday())


def start_of(monday: date) -> datetime:
    return datetime(monday.year, monday.month, monday.day, tzinfo=UTC)


def complete_weeks(now: datetime) -> tuple[datetime, datetime]:
    """Return start and end of the time around `now` in which every week has a partition: no event of it was ever
    dropped."""
    existing = set(weeks())
    start = end = monday_of(now)
    while start - _WEEK in existing:
        start -= _WEEK
    while end in existing:
        end += _WEEK
    return start_of(start), start_of(end)


def exceeds_movable_events(monday: date) -> bool:
    """Tell whether the default partition holds more events of the week than a new partition can take over."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(_EARLY_EVENTS).format(limit=sql.Literal(MOVABLE + 1), **_bounds(monday)))
        [(count,)] = cursor.fetchall()
    return int(count) > MOVABLE


def create_week(monday: date) -> bool:
    """Create the week's partition, and move its events from the default one. False: another process is at work.

    Raises OperationalError (Failure.TIMEOUT) if the tables stay locked, or hold too much to be read in time.
    """
    name = name_of_week(monday)
    with short_transaction() as cursor:
        if not try_maintenance_lock() or name in partition_names():
            return False
        cursor.execute(sql.SQL(_CREATE).format(name=sql.Identifier(name), **_bounds(monday)))
    return True


def drop_week(monday: date, *, received_before: datetime) -> bool:
    """Drop the week's partition with its events. False: an event in it was received later, or another process is at
    work.

    Raises OperationalError (Failure.TIMEOUT) if the tables stay locked; then nothing was dropped.
    """
    name = name_of_week(monday)
    with transaction.atomic(), connection.cursor() as cursor:
        if not _lock_existing(name):
            return False
        _summarize(cursor, name)
        if _query_bool(cursor, _RECEIVED_SINCE, name, received_before):
            return False
    with short_transaction() as cursor:
        if not _lock_existing(name):
            return False
        cursor.execute(sql.SQL(_LOCK_FOR_DROP).format(name=sql.Identifier(name)))
        # Events may have arrived while nothing was locked. Only the pages that they changed are read again.
        if _query_bool(cursor, _RECEIVED_SINCE, name, received_before):
            return False
        cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
    return True


def delete_from_default(*, received_before: datetime, should_stop: Callable[[], bool]) -> int:
    """Delete old events from the default partition, until `should_stop()`. Returns how many were deleted."""
    with transaction.atomic(), connection.cursor() as cursor:
        _summarize(cursor, DEFAULT)
        if not _query_bool(cursor, _RECEIVED_BEFORE, DEFAULT, received_before):
            return 0
        cursor.execute("SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::integer", [DEFAULT])
        [(pages,)] = cursor.fetchall()
    deleted = 0
    for page in range(0, pages, _PAGES):
        if should_stop():
            break
        with transaction.atomic(), connection.cursor() as cursor:
            if not try_maintenance_lock():
                break
            cursor.execute(_DELETE, [f"({page},0)", f"({page + _PAGES},0)", received_before])
            deleted += cursor.rowcount
    return deleted


def _bounds(monday: date) -> dict[str, sql.Literal]:
    return {"start": sql.Literal(f"{monday}T00:00:00Z"), "end": sql.Literal(f"{monday + _WEEK}T00:00:00Z")}


def _lock_existing(name: str) -> bool:
    """Take the maintenance lock. False: the partition does not exist, or another process has the lock."""
    return try_maintenance_lock() and name in partition_names()


def _summarize(cursor: Any, name: str) -> None:
    cursor.execute(sql.SQL(_SUMMARIZE).format(name=sql.Literal(name)))


def _query_bool(cursor: Any, statement: LiteralString, name: str, moment: datetime) -> bool:
    """Query a truth value. Changes the plans of the transaction."""
    cursor.execute(_USE_INDEX)
    cursor.execute(sql.SQL(statement).format(name=sql.Identifier(name), moment=sql.Literal(moment)))
    [(answer,)] = cursor.fetchall()
    return bool(answer)
