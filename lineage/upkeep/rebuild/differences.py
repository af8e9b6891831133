"""Differences between the copy that rebuild_lineage made of a connection's rows and the real rows, and their
correction.

See lineage/upkeep/rebuild/copies.py for the copy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from django.db import connection
from psycopg import sql

from lineage.database.execute import Row
from lineage.digest.descriptions import GROUPS
from lineage.rows.run_row import COLUMNS, RunRow
from lineage.rows.tables import Table

# Shown states and counts are computed from the rows after these were corrected.
_NOT_COMPARED: Final = {
    "lineage_run": (
        *("shown_state", "shown_ended_at", "is_hidden", "lost_after", "left_families"),
        *("joined_in", "shares_run_id"),
    ),
    "lineage_job": (
        *(
            "latest_run_id",
            "latest_run_sent_id",
            "latest_run_state",
            "latest_run_at",
            "latest_run_started_at",
            "latest_run_ended_at",
        ),
        *("running_runs", "is_hidden", "usual_seconds", "usual_at_run_id", "usual_at_state"),
    ),
}
_KEY: Final = frozenset({"connection_id", "id"})
# Never deleted, because retention may have dropped the events that named them.
_NEVER_DELETED: Final = frozenset({"lineage_job", "lineage_dataset", "lineage_content"})
_CHUNK: Final = 1000

_COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = {real_name}::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
_FIND = """
ANALYZE pg_temp.{table};
TRUNCATE pg_temp.rebuild_differing;
INSERT INTO pg_temp.rebuild_differing
SELECT id FROM (SELECT * FROM {real} AS stored WHERE connection_id = {connection_id} AND {is_compared}) AS real
FULL JOIN pg_temp.{table} AS copy USING (id)
WHERE ({real_values}) IS DISTINCT FROM ({copied_values})
"""
# Settling makes the rows that join others; they are not in the copy.
_NOT_JOINED = "(joined_ids IS NULL OR EXISTS (SELECT FROM pg_temp.lineage_run AS copy WHERE copy.id = stored.id))"
_NEXT = "SELECT id FROM pg_temp.rebuild_differing WHERE id > {after} ORDER BY id LIMIT {limit}"

_DELETE = """
DELETE FROM {real} AS real
WHERE connection_id = {connection_id} AND id = ANY({ids})
    AND NOT EXISTS (SELECT FROM pg_temp.{table} AS copy WHERE copy.id = real.id)
"""
_PUT = """
INSERT INTO {real} AS real ({columns})
SELECT {columns} FROM pg_temp.{table} WHERE id = ANY({ids}) ORDER BY id
ON CONFLICT (connection_id, id) DO UPDATE SET ({assigned}) = ROW ({assigned_values})
WHERE ({real_values}) IS DISTINCT FROM ({new_values})
"""
_ADD_MISSING = """
INSERT INTO {real} ({columns}) SELECT {columns} FROM pg_temp.{table} ORDER BY id ON CONFLICT DO NOTHING
"""
_COPY_MISSING = """
INSERT INTO pg_temp.{table} ({columns})
SELECT {columns} FROM {real} WHERE connection_id = {connection_id} ON CONFLICT DO NOTHING RETURNING id
"""

_OUTSIDE = "NOT (real.{first} >= {start} AND real.{last} < {end})"
_MORE_EVENTS = "real.event_count - COALESCE(copy.event_count, 0)"
_RUNS_WITH_DROPPED_EVENTS = """
SELECT {values} FROM {real} AS real LEFT JOIN pg_temp.lineage_run AS copy USING (id)
WHERE real.connection_id = {connection_id} AND real.id > {after} AND {outside} AND real.joined_ids IS NULL
    AND (real.event_count > COALESCE(copy.event_count, 0) OR real.event_count = 0)
ORDER BY real.id LIMIT {limit}
"""
_OUTSIDE_ROWS = """
SELECT {said} FROM {real} AS real
WHERE real.connection_id = {connection_id} AND real.id > {after} AND {outside}
ORDER BY real.id LIMIT {limit}
"""
_DESCRIPTIONS = """
SELECT real.connection_id, real.id, {said} FROM {real} AS real
WHERE real.connection_id = {connection_id} AND real.id > {after} AND ({outside})
ORDER BY real.id LIMIT {limit}
"""
_KEEP_DESCRIBED = """
UPDATE pg_temp.lineage_dataset AS copy SET described = true FROM {real} AS real
WHERE real.connection_id = {connection_id} AND real.id = copy.id AND real.described AND NOT copy.described
"""
# Events of a page that was read twice were counted twice. No writer is active now.
_COUNT_EVENTS = """
UPDATE pg_temp.lineage_run AS copy SET event_count = GREATEST(
    (
        SELECT count(*) FROM lineage_event AS event
        WHERE event.connection_id = {connection_id} AND event.subject_id = copy.id AND event.kind = 'RUN'
            AND event.event_time BETWEEN copy.first_event_at AND copy.last_event_at
    ),
    (
        SELECT real.event_count FROM {real} AS real
        WHERE real.connection_id = {connection_id} AND real.id = copy.id AND {outside}
    )
)
WHERE id = ANY({ids})
"""


@dataclass(frozen=True, slots=True)
class Weeks:
    """Time in which no stored event was ever dropped."""

    start: datetime
    end: datetime

    def outside(self, first: str, last: str) -> sql.Composed:
        """Condition: the time range in these columns of a real row reaches beyond these weeks."""
        return sql.SQL(_OUTSIDE).format(
            first=sql.Identifier(first),
            last=sql.Identifier(last),
            start=sql.Literal(self.start),
            end=sql.Literal(self.end),
        )


class Comparison:
    """Comparison of the real rows of one connection in one table with those of the copy."""

    def __init__(self, schema: str, table: str, connection_id: UUID) -> None:
        self.table = table
        real = sql.Identifier(schema, table)
        self._names: dict[str, sql.Composable] = {
            "real": real,
            "table": sql.Identifier(table),
            "real_name": sql.Literal(real.as_string(connection.connection)),
            "connection_id": sql.Literal(connection_id),
            "is_compared": sql.SQL(_NOT_JOINED if table == "lineage_run" else "true"),
        }
        columns = [name for (name,) in self._rows(_COLUMNS)]
        compared = [name for name in columns if name not in _NOT_COMPARED.get(table, ())]
        assigned = [name for name in compared if name not in _KEY]
        self._names |= {
            "columns": _list(columns),
            "assigned": _list(assigned),
            "assigned_values": _list(assigned, "excluded"),
            "real_values": _list(compared, "real"),
            "copied_values": _list(compared, "copy"),
            "new_values": _list(compared, "excluded"),
        }

    def slices(self, size: int) -> Iterator[list[UUID]]:
        """Find the ids of rows that differ or exist on one side only, and yield them in slices. One query finds all of
        them."""
        self._execute(_FIND)
        after = UUID(int=0)
        while ids := [id_ for (id_,) in self._rows(_NEXT, after=sql.Literal(after), limit=sql.Literal(size))]:
            yield ids
            after = ids[-1]

    def put_in_place(self, ids: Sequence[UUID]) -> int:
        """Make the real rows equal to those of the copy. Returns how many changed."""
        some = sql.Literal(list(ids))
        deleted = 0 if self.table in _NEVER_DELETED else self._execute(_DELETE, ids=some)
        return deleted + self._execute(_PUT, ids=some)

    def add_missing(self) -> int:
        """Add rows of the copy that are missing in the real table. Returns how many."""
        return self._execute(_ADD_MISSING)

    def copy_missing(self) -> list[UUID]:
        """Add real rows that are missing in the copy. Returns their ids."""
        return [id_ for (id_,) in self._rows(_COPY_MISSING)]

    def count_events(self, ids: Sequence[UUID], weeks: Weeks) -> None:
        """Count the events of the copy's rows in lineage_run. No writer may be active."""
        outside = weeks.outside("first_event_at", "last_event_at")
        self._execute(_COUNT_EVENTS, ids=sql.Literal(list(ids)), outside=outside)

    def runs_with_dropped_events(self, weeks: Weeks) -> Iterator[list[RunRow]]:
        """Yield real rows of lineage_run that had events which are dropped now, and rows of tasks without events of
        their own.

        `event_count` counts the dropped events.
        """
        names = list(COLUMNS)
        said = {name: sql.Identifier("real", name) for name in names} | {"event_count": sql.SQL(_MORE_EVENTS)}
        values = sql.SQL(", ").join(said[name] for name in names)
        outside = weeks.outside("first_event_at", "last_event_at")
        for rows in self._chunks(_RUNS_WITH_DROPPED_EVENTS, key=names.index("id"), values=values, outside=outside):
            yield [RunRow(*row) for row in rows]

    def rows_outside(self, table: Table, weeks: Weeks) -> Iterator[list[Row]]:
        """Yield real rows that dropped events may have given."""
        if table.times is None:
            raise ValueError(f"{table.name} has no times")
        said = sql.SQL(", ").join(sql.Identifier("real", name) for name in table.columns)
        return self._chunks(_OUTSIDE_ROWS, said=said, outside=weeks.outside(*table.times))

    def descriptions_outside(self, weeks: Weeks) -> Iterator[list[Row]]:
        """Yield descriptions from lineage_job that dropped events may have given, in the form that `describe_jobs`
        takes."""
        outside = {at: weeks.outside(at, at) for at in GROUPS}
        columns = [
            sql.SQL("CASE WHEN {outside} THEN real.{column} END").format(
                outside=outside[at], column=sql.Identifier(column)
            )
            for at, values in GROUPS.items()
            for column in (at, *values)
        ]
        joined = sql.SQL(", ").join(columns)
        return self._chunks(_DESCRIPTIONS, said=joined, outside=sql.SQL(" OR ").join(outside.values()))

    def keep_described(self) -> None:
        """Set `described` in the copy of lineage_dataset for each real row that has it."""
        self._execute(_KEEP_DESCRIBED)

    def _chunks(self, statement: LiteralString, key: int = 1, **more: sql.Composable) -> Iterator[list[Row]]:
        after = UUID(int=0)
        limit = sql.Literal(_CHUNK)
        while rows := self._rows(statement, after=sql.Literal(after), limit=limit, **more):
            yield rows
            after = rows[-1][key]

    def _rows(self, statement: LiteralString, **more: sql.Composable) -> list[Row]:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(**self._names, **more))
            rows: list[Row] = cursor.fetchall()
            return rows

    def _execute(self, statement: LiteralString, **more: sql.Composable) -> int:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(**self._names, **more))
            return int(cursor.rowcount)


def _list(names: Sequence[str], table: str = "") -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(table, name) if table else sql.Identifier(name) for name in names)
