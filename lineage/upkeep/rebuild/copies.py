"""A second copy of what is made of a connection's events, for rebuild_lineage: where it is, and what goes into it.

The tables of the copy are temporary, and have the names of the real ones. PostgreSQL looks for a name among a session's
temporary tables first, so within `copied_tables` each statement of digest writes the copy: there is no second
projection that could come to another result. The real ones are named with their schema.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection
from psycopg import sql

from lineage.database.bodies import decompress

TABLES: Final = ("lineage_job", "lineage_run", "lineage_dataset", "lineage_edge")

_SCHEMA = """
SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE pg_class.oid = 'lineage_run'::regclass
"""
_LISTS = """
CREATE TEMP TABLE rebuild_new (event_time timestamptz, id uuid, PRIMARY KEY (event_time, id));
CREATE TEMP TABLE rebuild_differing (id uuid PRIMARY KEY);
"""
_DROP = f"DROP TABLE IF EXISTS {', '.join(f'pg_temp.{name}' for name in (*TABLES, 'rebuild_new', 'rebuild_differing'))}"

# Of one page. The first event is always on it, however large it is.
_EVENTS: Final = 500
_BYTES: Final = 16 * 1024 * 1024
_PAGE = """
SELECT event_time, id, received_at, body FROM (
    SELECT page.*, sum(body_bytes) OVER (ORDER BY event_time, id) - body_bytes AS bytes_before
    FROM (
        SELECT event.event_time, event.id, event.received_at, event.body_bytes, event.body FROM {source}
        WHERE event.connection_id = {connection_id} AND event.event_time >= {event_time}
            AND (event.event_time, event.id) > ({event_time}, {id})
        ORDER BY event.event_time, event.id LIMIT {events}
    ) AS page
) AS sized
WHERE bytes_before < {bytes} ORDER BY event_time, id
"""
_ALL = "lineage_event AS event"
_NEW = "lineage_event AS event JOIN pg_temp.rebuild_new AS new USING (event_time, id)"

# Those of transactions that had not ended when the mark was set: all that nobody could see then, and a few that one
# could. The time is for the index to begin with: senders are answered within seconds, and the clocks of several
# servers may differ.
_NOTE_NEW = """
TRUNCATE pg_temp.rebuild_new;
INSERT INTO pg_temp.rebuild_new
SELECT event_time, id FROM lineage_event
WHERE connection_id = {connection_id} AND received_at >= {time}::timestamptz - interval '10 minutes'
    AND age(xmin) <= age({transaction}::xid)
"""


class Mark(NamedTuple):
    """Up to where the events were read: the transactions before this one had ended."""

    transaction: str
    time: datetime


class StoredEvent(NamedTuple):
    event_time: datetime
    id: UUID
    received_at: datetime
    body: bytes


@contextmanager
def copied_tables() -> Iterator[str]:
    """Until its end, this session's statements on TABLES write empty copies of them. Gives the schema of the real ones.

    The session must be no other's: what it prepared before is planned anew, and again afterwards.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SCHEMA)
        [(schema,)] = cursor.fetchall()
        try:
            for table in TABLES:
                statement = sql.SQL("CREATE TEMP TABLE {} (LIKE {} INCLUDING ALL)")
                cursor.execute(statement.format(sql.Identifier(table), sql.Identifier(schema, table)))
            cursor.execute(_LISTS)
            cursor.execute("DISCARD PLANS")
            yield schema
        finally:
            if connection.is_usable():
                cursor.execute(_DROP)
                cursor.execute("DISCARD PLANS")


def check_copied() -> None:
    """Raises ProgrammingError where the session has no copies, and would write the real tables."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_temp.lineage_run LIMIT 0")


def set_mark(now: datetime) -> Mark:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text")
        [(transaction,)] = cursor.fetchall()
    return Mark(transaction, now)


def limit_waiting() -> None:
    """Has this transaction wait a second at most for a lock: others wait behind it."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '1s'")


def pause_intake() -> None:
    """Waits for the events that are being written, and has others wait until this transaction ends. Readers go on."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE ONLY lineage_event IN SHARE ROW EXCLUSIVE MODE")


def pages_of_all(connection_id: UUID) -> Iterator[list[StoredEvent]]:
    """The stored events of a connection by event time, each page read when it is asked for."""
    return _pages(connection_id, _ALL)


def pages_since(connection_id: UUID, mark: Mark) -> Iterator[list[StoredEvent]]:
    """The same of those that were committed since the mark was set, and perhaps of some from before."""
    bound = {
        "connection_id": sql.Literal(connection_id),
        "time": sql.Literal(mark.time),
        "transaction": sql.Literal(mark.transaction),
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(_NOTE_NEW).format(**bound))
    return _pages(connection_id, _NEW)


def _pages(connection_id: UUID, source: str) -> Iterator[list[StoredEvent]]:
    event_time, id_ = datetime.min.replace(tzinfo=UTC), UUID(int=0)
    while page := _page(connection_id, source, event_time, id_):
        yield page
        event_time, id_ = page[-1].event_time, page[-1].id


def _page(connection_id: UUID, source: str, event_time: datetime, id_: UUID) -> list[StoredEvent]:
    statement = sql.SQL(_PAGE).format(
        source=sql.SQL(source),
        connection_id=sql.Literal(connection_id),
        event_time=sql.Literal(event_time),
        id=sql.Literal(id_),
        events=sql.Literal(_EVENTS),
        bytes=sql.Literal(_BYTES),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows = cursor.fetchall()
    return [StoredEvent(time, id_, received_at, decompress(body)) for time, id_, received_at, body in rows]
