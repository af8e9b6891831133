"""Copy of the tables that digest writes, for rebuild_lineage.

The tables of the copy are temporary, and have the names of the real ones. PostgreSQL searches a name among a session's
temporary tables first. So within `copied_tables` each statement of digest writes the copy, and no second implementation
could give another result. The real tables are named with their schema.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection
from psycopg import sql

from lineage.database.bodies import decompress
from lineage.rows.tables import MERGED

TABLES: Final = ("lineage_job", "lineage_run", "lineage_dataset", *(table.name for table in MERGED))

_SCHEMA = """
SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE pg_class.oid = 'lineage_run'::regclass
"""
_LISTS = """
CREATE TEMP TABLE rebuild_new (event_time timestamptz, id uuid, PRIMARY KEY (event_time, id));
CREATE TEMP TABLE rebuild_differing (id uuid PRIMARY KEY);
"""
_DROP = f"DROP TABLE IF EXISTS {', '.join(f'pg_temp.{name}' for name in (*TABLES, 'rebuild_new', 'rebuild_differing'))}"

# Limits of one page. It always has one event, however large that is.
_EVENTS: Final = 500
_BYTES: Final = 16 * 1024 * 1024
_PAGE = """
SELECT event_time, id, received_at, subject_id, body FROM (
    SELECT page.*, sum(body_bytes) OVER (ORDER BY event_time, id) - body_bytes AS bytes_before
    FROM (
        SELECT event.event_time, event.id, event.received_at, event.subject_id, event.body_bytes, event.body
        FROM {source}
        WHERE event.connection_id = {connection_id} AND event.event_time >= {event_time}
            AND (event.event_time, event.id) > ({event_time}, {id})
        ORDER BY event.event_time, event.id LIMIT {events}
    ) AS page
) AS sized
WHERE bytes_before < {bytes} ORDER BY event_time, id
"""
_ALL = "lineage_event AS event"
_NEW = "lineage_event AS event JOIN pg_temp.rebuild_new AS new USING (event_time, id)"

# Events of transactions that had not ended at the checkpoint: all that were invisible then, and a few that were
# visible. The time lets PostgreSQL use an index. Its margin covers requests, which take seconds, and differences
# between servers' clocks.
_NOTE_NEW = """
TRUNCATE pg_temp.rebuild_new;
INSERT INTO pg_temp.rebuild_new
SELECT event_time, id FROM lineage_event
WHERE connection_id = {connection_id} AND received_at >= {time}::timestamptz - interval '10 minutes'
    AND age(xmin) <= age({transaction}::xid)
"""


class Checkpoint(NamedTuple):
    """Point up to which events were read: all transactions before this one had ended."""

    transaction: str
    time: datetime


class StoredEvent(NamedTuple):
    event_time: datetime
    id: UUID
    received_at: datetime
    subject_id: UUID
    body: bytes


@contextmanager
def copied_tables() -> Iterator[str]:
    """Replace TABLES by empty copies for this session, until the end of the context. Yields the schema of the real
    tables.

    The session must not be shared: its prepared statements are planned again, at the start and at the end.
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
    """Raise ProgrammingError if the session has no copies, and would write the real tables."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_temp.lineage_run LIMIT 0")


def set_checkpoint(now: datetime) -> Checkpoint:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text")
        [(transaction,)] = cursor.fetchall()
    return Checkpoint(transaction, now)


def limit_waiting() -> None:
    """Let this transaction wait a second at most for a lock, because others wait behind it."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '1s'")


def pause_intake() -> None:
    """Wait for the events that are being written, and block further writers until this transaction ends. Readers can go
    on."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE ONLY lineage_event IN SHARE ROW EXCLUSIVE MODE")


def pages_of_all(connection_id: UUID) -> Iterator[list[StoredEvent]]:
    """Yield pages of a connection's stored events, sorted by event time. Each page is read when it is needed."""
    return _pages(connection_id, _ALL)


def pages_since(connection_id: UUID, checkpoint: Checkpoint) -> Iterator[list[StoredEvent]]:
    """Yield pages of the events committed since the checkpoint, and perhaps of some from before."""
    bound = {
        "connection_id": sql.Literal(connection_id),
        "time": sql.Literal(checkpoint.time),
        "transaction": sql.Literal(checkpoint.transaction),
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
    return [
        StoredEvent(time, id_, received_at, subject_id, decompress(body))
        for time, id_, received_at, subject_id, body in rows
    ]
