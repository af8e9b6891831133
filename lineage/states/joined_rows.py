"""Rows of lineage_run that join the rows of one run which was sent under several names. They are shown in its place."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Final, NamedTuple
from uuid import UUID

from lineage.database.execute import Result, arrays, execute_rows, statement
from lineage.events.identity import joined_run_id
from lineage.rows.run_row import COLUMNS, TYPES, RunRow, values_of
from lineage.states.names_of_run import NamedRun, runs_under_several_names

_KEY: Final = ("uuid", "uuid")
_READ = statement(f"""
SELECT job.namespace, job.name, {", ".join(f"run.{name}" for name in COLUMNS)}
FROM unnest({arrays(_KEY)}) AS wanted (connection_id, run_id)
CROSS JOIN LATERAL (
    SELECT * FROM lineage_run AS one
    WHERE one.connection_id = wanted.connection_id AND one.run_id = wanted.run_id AND one.joined_ids IS NULL
    OFFSET 0
) AS run
JOIN lineage_job AS job ON job.connection_id = run.connection_id AND job.id = run.job_id
""")  # noqa: S608 - made of constants
_TYPES_JOINED: Final = {**TYPES, "joined_ids": "uuid[]"}
_SAID: Final = ", ".join(f"said.{name}" + ("::uuid[]" if of == "uuid[]" else "") for name, of in _TYPES_JOINED.items())
_STORE: Final = f"""
INSERT INTO lineage_run AS run ({", ".join(_TYPES_JOINED)})
SELECT {_SAID} FROM unnest({arrays(tuple(_TYPES_JOINED.values()))}) AS said ({", ".join(_TYPES_JOINED)})
ON CONFLICT (connection_id, id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _TYPES_JOINED)}
"""  # noqa: S608 - made of constants
_DELETE = statement(f"""
DELETE FROM lineage_run WHERE (connection_id, id) IN (SELECT * FROM unnest({arrays(_KEY)})) AND joined_ids IS NOT NULL
""")  # noqa: S608 - made of constants


class Join(NamedTuple):
    """Row that joins the rows with these ids."""

    row: RunRow
    joined_ids: Sequence[UUID]


def join_rows(connection_id: UUID, run_ids: Sequence[UUID]) -> list[Join]:
    """Read all rows with these run ids, and join those that are one run under several names."""
    rows: dict[UUID, RunRow] = {}
    named: list[NamedRun] = []
    for namespace, name, *values in execute_rows(_READ, _KEY, [(connection_id, id_) for id_ in run_ids]).rows():
        row = _run_row(values)
        rows[row.id] = row
        own = (row.id, row.run_id, row.job_id, namespace, name, row.job_kind, row.map_index)
        named.append(NamedRun(*own, row.parent_run_id, row.parent_job_name))
    return [_join([rows[one.id] for one in group]) for group in runs_under_several_names(named)]


def store_joined_rows(joins: Sequence[Join], *, returning: str) -> Result:
    """Store joined rows. Rows of the result: these columns of `run`."""
    return execute_rows(
        _store(returning), tuple(_TYPES_JOINED.values()), [(*values_of(row), tuple(ids)) for row, ids in joins]
    )


@cache
def _store(returning: str) -> bytes:
    # Each settling asks for it, and nearly none has rows to join.
    return statement(f"{_STORE} RETURNING {returning}")


def delete_joined_rows(connection_id: UUID, ids: Sequence[UUID]) -> None:
    execute_rows(_DELETE, _KEY, [(connection_id, id_) for id_ in ids])


def _run_row(values: Sequence[object]) -> RunRow:
    row = RunRow(*values)  # type: ignore[arg-type]
    row.edge_ids = frozenset(row.edge_ids)
    row.needed_job_ids = None if row.needed_job_ids is None else frozenset(row.needed_job_ids)
    return row


def _join(rows: Sequence[RunRow]) -> Join:
    """Join rows of which the first has the last name."""
    first = rows[0]
    joined = replace(first, id=joined_run_id(first.run_id, first.job_id, first.map_index))
    for row in rows[1:]:
        joined.merge(row)
    return Join(joined, sorted(row.id for row in rows))
