"""The partitions of lineage_event: one a week, from Monday, and one for all that is in none of them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, LiteralString

from django.db import connection, transaction
from psycopg import sql

from lineage.upkeep.maintenance import short_transaction, take_turn

_WEEK: Final = timedelta(weeks=1)
_PREFIX: Final = "lineage_event_"
DEFAULT: Final = "lineage_event_default"

# A new partition takes over this many events of its week, half a second's work; where more came before it, they stay
# where they are, and so do those that follow.
MOVABLE: Final = 2000
# Of the default partition in one transaction: some 2,000 events.
_PAGES: Final = 32

_NAMES = """
SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = 'lineage_event'::regclass
"""

_CAME_BEFORE = """
SELECT count(*) FROM (
    SELECT FROM lineage_event_default WHERE event_time >= {start}::timestamptz AND event_time < {end}::timestamptz
    LIMIT {limit}
) AS came_before
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

# Dropping locks all three in any case; here it is said in which order. PostgreSQL detaches concurrently only where
# there is no default partition.
_LOCK_FOR_DROP = """
LOCK TABLE ONLY lineage_event IN ACCESS EXCLUSIVE MODE;
LOCK TABLE lineage_event_default IN ACCESS EXCLUSIVE MODE;
LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE;
"""

# Reads what was added since it was last called, and no lock keeps writers waiting.
_SUMMARIZE = """
SELECT brin_summarize_new_values(indexrelid)
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam
WHERE indrelid = {name}::regclass AND amname = 'brin'
"""

# The planner expects to come across one soon in any order, and would read all of it where there is none.
_ASK_THE_INDEX = "SET LOCAL enable_seqscan = off"
_RECEIVED_SINCE = "SELECT EXISTS (SELECT FROM {name} WHERE received_at >= {moment})"
_RECEIVED_BEFORE = "SELECT EXISTS (SELECT FROM {name} WHERE received_at < {moment})"

_DELETE = """
DELETE FROM lineage_event_default
WHERE ctid >= %s::tid AND ctid < %s::tid AND received_at < %s
"""


def name_of_week(monday: date) -> str:
    return f"{_PREFIX}{monday:%Y_%m_%d}"


def partition_names() -> set[str]:
    """All that are attached, the default one too."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMES)
        return {name for (name,) in cursor.fetchall()}


def weeks() -> list[date]:
    """The Mondays of the weeks that have a partition, in their order."""
    names = sorted(partition_names() - {DEFAULT})
    return [date(*map(int, name.removeprefix(_PREFIX).split("_"))) for name in names]


def monday_of(moment: datetime) -> date:
    """`moment` in UTC."""
    return moment.date() - timedelta(days=moment.weekday())


def start_of(monday: date) -> datetime:
    return datetime(monday.year, monday.month, monday.day, tzinfo=UTC)


def unbroken_weeks(now: datetime) -> tuple[datetime, datetime]:
    """From when until when all weeks around `now` have a partition: no event of this time was ever dropped."""
    existing = set(weeks())
    start = end = monday_of(now)
    while start - _WEEK in existing:
        start -= _WEEK
    while end in existing:
        end += _WEEK
    return start_of(start), start_of(end)


def too_much_came_before(monday: date) -> bool:
    """Whether the default partition holds more events of the week than its own could take over at once."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(_CAME_BEFORE).format(limit=sql.Literal(MOVABLE + 1), **_bounds(monday)))
        [(count,)] = cursor.fetchall()
    return int(count) > MOVABLE


def create_week(monday: date) -> bool:
    """Makes the partition of the week, and moves into it what came before it. False: another process is at it.

    Raises OperationalError (Failure.TIMEOUT) where the tables stay locked, or hold too much to be read in time.
    """
    name = name_of_week(monday)
    with short_transaction() as cursor:
        if not take_turn() or name in partition_names():
            return False
        cursor.execute(sql.SQL(_CREATE).format(name=sql.Identifier(name), **_bounds(monday)))
    return True


def drop_week(monday: date, *, received_before: datetime) -> bool:
    """Drops the partition of the week with all that is in it. False: something in it was received later, or another
    process is at it.

    Raises OperationalError (Failure.TIMEOUT) where the tables stay locked; then nothing was dropped.
    """
    name = name_of_week(monday)
    with transaction.atomic(), connection.cursor() as cursor:
        if not _is_mine(name):
            return False
        _summarize(cursor, name)
        if _is_so(cursor, _RECEIVED_SINCE, name, received_before):
            return False
    with short_transaction() as cursor:
        if not _is_mine(name):
            return False
        cursor.execute(sql.SQL(_LOCK_FOR_DROP).format(name=sql.Identifier(name)))
        # Something may have come while nothing was locked. What it came into is now read again, and that alone.
        if _is_so(cursor, _RECEIVED_SINCE, name, received_before):
            return False
        cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
    return True


def delete_from_default(*, received_before: datetime, enough: Callable[[], bool]) -> int:
    """Deletes what the default partition holds of that age, until `enough()`: how many events it were."""
    with transaction.atomic(), connection.cursor() as cursor:
        _summarize(cursor, DEFAULT)
        if not _is_so(cursor, _RECEIVED_BEFORE, DEFAULT, received_before):
            return 0
        cursor.execute("SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::integer", [DEFAULT])
        [(pages,)] = cursor.fetchall()
    deleted = 0
    for page in range(0, pages, _PAGES):
        if enough():
            break
        with transaction.atomic(), connection.cursor() as cursor:
            if not take_turn():
                break
            cursor.execute(_DELETE, [f"({page},0)", f"({page + _PAGES},0)", received_before])
            deleted += cursor.rowcount
    return deleted


def _bounds(monday: date) -> dict[str, sql.Literal]:
    return {"start": sql.Literal(f"{monday}T00:00:00Z"), "end": sql.Literal(f"{monday + _WEEK}T00:00:00Z")}


def _is_mine(name: str) -> bool:
    """Whether the partition is there, and it is this transaction's turn."""
    return take_turn() and name in partition_names()


def _summarize(cursor: Any, name: str) -> None:
    cursor.execute(sql.SQL(_SUMMARIZE).format(name=sql.Literal(name)))


def _is_so(cursor: Any, question: LiteralString, name: str, moment: datetime) -> bool:
    """Inside a transaction, whose plans it changes."""
    cursor.execute(_ASK_THE_INDEX)
    cursor.execute(sql.SQL(question).format(name=sql.Identifier(name), moment=sql.Literal(moment)))
    [(answer,)] = cursor.fetchall()
    return bool(answer)
