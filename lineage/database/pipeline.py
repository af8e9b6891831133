"""Pipelines: statements that travel together in one round trip. They go to libpq directly.

psycopg's pipeline takes Python half as much CPU again for a small transaction: its cursors look up adapters, prepared
statements and loaders anew for each statement (docs/decisions/0022-libpq-without-cursors.md). Here statements are
prepared once a session, and their parameters come packed.
"""

import select
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from psycopg import errors, pq
from psycopg.adapt import Transformer

from lineage.database.plans import plans

Row = tuple[Any, ...]
STATEMENT_UNKNOWN: Final = "26000"  # SQLSTATE invalid_sql_statement_name
_BINARY: Final = 1
_FINE: Final = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)

# Session → statement → the name that it is prepared by there. psycopg (3.3) has a session forget all that is prepared
# when it rolls back: the next pipeline then fails with STATEMENT_UNKNOWN, and the one after that prepares anew.
_prepared: WeakKeyDictionary[Any, dict[bytes, bytes]] = WeakKeyDictionary()
# Names that were given once are not given again: some session may still know them.
_numbers = count()


class PipelinedResult:
    """The result of a statement; it is there when its pipeline has ended."""

    def __init__(self, session: "psycopg.Connection[Row]") -> None:
        self._session = session
        self.result: pq.abc.PGresult | None = None

    def rows(self) -> list[Row]:
        assert self.result is not None, "the pipeline has not ended"  # noqa: S101 - a defect of ours
        transformer = Transformer.from_context(self._session)
        transformer.set_pgresult(self.result)
        return transformer.load_rows(0, self.result.ntuples, tuple)


class Pipeline:
    """A pipeline of a session, from its beginning to its end. Its errors are psycopg's."""

    def __init__(self, session: "psycopg.Connection[Row]") -> None:
        self._session, self._pgconn = session, session.pgconn
        self._prepared = _prepared.setdefault(session, {})
        # An entry for each message under way: its result, or the statement that it prepares, or None if its result is
        # not needed.
        self._expected: deque[PipelinedResult | bytes | None] = deque()
        # Statement → name, of those that this pipeline prepares.
        self._names: dict[bytes, bytes] = {}

    def begin(self) -> None:
        self._pgconn.enter_pipeline_mode()
        if not self._session.autocommit and self._pgconn.transaction_status == pq.TransactionStatus.IDLE:
            # Django is in an atomic block, at whose first statement psycopg would begin the transaction.
            self._send_plainly(b"BEGIN")
        if plans.are_old(self._session):
            self._send_plainly(b"DISCARD PLANS")

    def send(self, statement: bytes, parameters: Sequence[bytes]) -> PipelinedResult:
        """Sends a statement. Parameters and results are in PostgreSQL's binary format."""
        result = PipelinedResult(self._session)
        self._pgconn.send_query_prepared(
            self._name_of(statement), parameters, [_BINARY] * len(parameters), result_format=_BINARY
        )
        self._expected.append(result)
        return result

    def end(self) -> None:
        """Sends what is not sent yet, and waits until all is answered. Raises the first error."""
        self._pgconn.pipeline_sync()
        self._flush()
        failures = [failure for expected in self._expected if (failure := self._take_result(expected))]
        self._expected.clear()
        failures += self._take_sync()
        if self._pgconn.status != pq.ConnStatus.OK:
            # The error that PostgreSQL sent last, if it sent one: errors of libpq have no SQLSTATE.
            raise next((failure for failure in failures if failure.sqlstate), _lost())
        self._pgconn.exit_pipeline_mode()
        if failures:
            if isinstance(failures[0], errors.InvalidSqlStatementName):
                self._prepared.clear()
            raise failures[0]

    def abandon(self) -> None:
        """Rolls the pipeline back after an exception of our own, and ends it."""
        if self._pgconn.status == pq.ConnStatus.OK:
            # The statements before the sync are one transaction. It fails with this one.
            self._send_plainly(b"SELECT 1/0")
            with suppress(psycopg.Error):
                self.end()

    def _name_of(self, statement: bytes) -> bytes:
        name = self._prepared.get(statement) or self._names.get(statement)
        if name is None:
            self._names[statement] = name = b"observatory_%d" % next(_numbers)
            self._pgconn.send_prepare(name, statement)
            self._expected.append(statement)
        return name

    def _send_plainly(self, statement: bytes) -> None:
        self._pgconn.send_query_params(statement, [])
        self._expected.append(None)

    def _take_result(self, expected: PipelinedResult | bytes | None) -> psycopg.Error | None:
        """Receives the result of a message, and notes it. Returns its error, if it failed."""
        result = self._receive()
        if result is None:
            return None
        while self._receive() is not None:
            pass
        if result.status in _FINE:
            if isinstance(expected, PipelinedResult):
                expected.result = result
            elif expected is not None:
                self._prepared[expected] = self._names[expected]
            return None
        # PostgreSQL skips the statements after an error.
        return None if result.status == pq.ExecStatus.PIPELINE_ABORTED else errors.error_from_result(result)

    def _take_sync(self) -> list[psycopg.Error]:
        """Receives the answer to the sync, which comes after the commit, or the error of the commit."""
        found: list[psycopg.Error] = []
        # An error and its end may come before it.
        for _ in range(3):
            result = self._receive()
            if result is not None and result.status == pq.ExecStatus.PIPELINE_SYNC:
                return found
            if result is not None:
                found.append(errors.error_from_result(result))
        return [*found, _lost()]

    def _flush(self) -> None:
        while self._pgconn.flush():
            # The server may want to be read from before it reads on.
            if self._wait(select.POLLIN | select.POLLOUT) & select.POLLIN:
                self._pgconn.consume_input()

    def _receive(self) -> pq.abc.PGresult | None:
        while self._pgconn.is_busy():
            self._wait(select.POLLIN)
            self._pgconn.consume_input()
        return self._pgconn.get_result()

    def _wait(self, events: int) -> int:
        poll = select.poll()
        poll.register(self._pgconn.socket, events)
        [(_, happened)] = poll.poll()
        return happened


def _lost() -> psycopg.OperationalError:
    return psycopg.OperationalError("the connection is lost")
