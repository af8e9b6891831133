"""Finds the rows that other transactions keep locked, so that only the events which need them wait."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple
from uuid import UUID

from django.db import transaction

from lineage.database.execute import execute_rows, statement
from lineage.database.timeouts import limit_waits
from lineage.digest.digest import Submission
from lineage.digest.fold import ReceivedEvent, fold

_KEY: Final = ("uuid", "uuid")


def _locked_in(table: str) -> bytes:
    """Statement that finds locked rows of a table. It locks the others, until its transaction ends."""
    return statement(f"""
WITH wanted AS (
    SELECT * FROM unnest(%b::uuid[], %b::uuid[]) AS wanted (connection_id, id)
), free AS MATERIALIZED (
    SELECT one.connection_id, one.id FROM {table} AS one JOIN wanted USING (connection_id, id)
    FOR NO KEY UPDATE OF one SKIP LOCKED
)
SELECT connection_id, id FROM {table} AS one JOIN wanted USING (connection_id, id)
WHERE NOT EXISTS (
    SELECT FROM free WHERE free.connection_id = one.connection_id AND free.id = one.id
)
""")  # noqa: S608 - made of constants


_LOCKED_IN: Final = {table: _locked_in(table) for table in ("lineage_job", "lineage_run")}


class RowKey(NamedTuple):
    """A row of lineage_job or lineage_run."""

    table: str
    connection_id: UUID
    id: UUID


def rows_needed_by(submission: Submission) -> frozenset[RowKey]:
    """The rows of jobs and runs that a digest of the submission writes."""
    # The keys do not depend on the receipt.
    rows = fold(ReceivedEvent(submission.connection_id, event, event.event_time) for event in submission.events)
    jobs = (RowKey("lineage_job", *key) for key in rows.jobs)
    return frozenset([*jobs, *(RowKey("lineage_run", *key) for key in rows.runs)])


def locked_rows(keys: Iterable[RowKey]) -> frozenset[RowKey]:
    """Find the rows that another transaction keeps locked now. Waits for none of them.

    Raises Django's database errors, for example if a whole table is locked.
    """
    wanted: dict[str, list[tuple[UUID, UUID]]] = defaultdict(list)
    for table, connection_id, id_ in sorted(keys):
        wanted[table].append((connection_id, id_))
    found: set[RowKey] = set()
    with transaction.atomic():
        limit_waits(lock_ms=100, statement_ms=1000)
        for table, rows in wanted.items():
            locked = execute_rows(_LOCKED_IN[table], _KEY, rows).rows()
            found.update(RowKey(table, *key) for key in locked)
    return frozenset(found)
