"""Reference: what one stores at the very least. Each request inserts its body as it came, and commits, before it is
answered: no key, no decoding, no rows but that one.

Under the product's own server. Of the ways to do it that were tried with 32 and 64 clients, this one is the fastest
that keeps to psycopg's own interface: sixteen sessions in each process, each with a prepared cursor of its own
(0.28 ms of CPU for an event, PostgreSQL's share included). Fewer sessions leave PostgreSQL less to commit at once;
psycopg's pool, and threads with plain sessions, take 0.38 to 0.45 ms.
"""

import asyncio
import os

import psycopg

from bench.references.http import Receive, Send, answer, read_body

SESSIONS = 16
TABLE = """
CREATE TABLE event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now(),
    body text NOT NULL
)
"""
# As the product has it: where the server was built with it.
COMPRESSION = """
DO $$ BEGIN
    ALTER TABLE event ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN NULL;
END $$
"""
COUNT = "SELECT count(*) FROM event"

_INSERT = b"INSERT INTO event (body) VALUES ($1)"


class _Cursors:
    """Opened by the first who asks: a process's sessions belong to its event loop."""

    def __init__(self) -> None:
        self._opening = asyncio.Lock()
        self._free: asyncio.LifoQueue[psycopg.AsyncRawCursor] | None = None

    async def free(self) -> "asyncio.LifoQueue[psycopg.AsyncRawCursor]":
        async with self._opening:
            if self._free is None:
                self._free = asyncio.LifoQueue()
                for _ in range(SESSIONS):
                    session = await psycopg.AsyncConnection.connect(os.environ["DATABASE_URL"], autocommit=True)
                    self._free.put_nowait(psycopg.AsyncRawCursor(session))
        return self._free


_cursors = _Cursors()


async def application(scope: dict[str, str], receive: Receive, send: Send) -> None:
    if scope["method"] != "POST":
        await answer(send, 405)
        return
    body = await read_body(receive)
    free = await _cursors.free()
    cursor = await free.get()
    try:
        await cursor.execute(_INSERT, (body.decode(),), prepare=True)
    finally:
        free.put_nowait(cursor)
    await answer(send, 201)
