"""Reference: minimal storage. Each request inserts its body as received, and commits before the response.

It checks no key, decodes nothing, and writes one row. It runs under the product's own server. Among the variants that
were tried with 32 and 64 clients and use only psycopg's public interface, this one is the fastest: sixteen sessions per
process, each with a prepared cursor (0.28 ms of CPU per event, including PostgreSQL). With fewer sessions PostgreSQL
has less to commit at once; psycopg's pool, and threads with plain sessions, take 0.38 to 0.45 ms.
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
# Uses lz4 if the server was built with it.
COMPRESSION = """
DO $$ BEGIN
    ALTER TABLE event ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN NULL;
END $$
"""
COUNT = "SELECT count(*) FROM event"

_INSERT = b"INSERT INTO event (body) VALUES ($1)"


class _Cursors:
    """Cursors of a process, opened at the first request, because sessions belong to an event loop."""

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
