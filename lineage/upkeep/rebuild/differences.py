"""Where the copy that rebuild_lineage made of a connection's rows differs from the real ones, and how it takes their
place. See lineage/upkeep/rebuild/copies.py for the copy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from django.db import connection
from psycopg import sql

from lineage.database.execute import Row
from lineage.digest.descriptions import GROUPS
from lineage.digest.run_rows import COLUMNS, RunRow

# What runs are shown as follows from the rows: it is settled, and counted, when the rows are right.
_NOT_COMPARED: Final = {
    "lineage_run": ("shown_state", "shown_ended_at", "is_hidden", "lost_after", "left_families"),
    "lineage_job": (
        *("latest_run_id", "latest_run_state", "latest_run_at", "latest_run_started_at", "latest_run_ended_at"),
        *("running_runs", "is_hidden"),
    ),
}
_KEY: Final = frozenset({"connection_id", "id"})
# Retention may have dropped the events that named them.
_NEVER_DELETED: Final = frozenset({"lineage_job", "lineage_dataset"})
_CHUNK: Final = 1000

_COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = {real_name}::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
_FIND = """
ANALYZE pg_temp.{table};
TRUNCATE pg_temp.rebuild_differing;
INSERT INTO pg_temp.rebuild_differing
SELECT id FROM (SELECT * FROM {real} WHERE connection_id = {connection_id}) AS real
FULL JOIN pg_temp.{table} AS copy USING (id)
WHERE ({real_values}) IS DISTINCT FROM ({copied_values})
"""
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
_RUNS_THAT_KNEW_MORE = """
SELECT {values} FROM {real} AS real LEFT JOIN pg_temp.lineage_run AS copy USING (id)
WHERE real.connection_id = {connection_id} AND real.id > {after} AND {outside}
    AND (real.event_count > COALESCE(copy.event_count, 0) OR real.event_count = 0)
ORDER BY real.id LIMIT {limit}
"""
_EDGES = """
SELECT {columns} FROM {real} AS real
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
# A page that was read twice counted its events twice. Nobody writes meanwhile.
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
    """From when until when no stored event was ever dropped."""

    start: datetime
    end: datetime

    def outside(self, first: str, last: str) -> sql.Composed:
        """Whether a span of time in these columns of a real row reaches beyond."""
        return sql.SQL(_OUTSIDE).format(
            first=sql.Identifier(first),
            last=sql.Identifier(last),
            start=sql.Literal(self.start),
            end=sql.Literal(self.end),
        )


class Comparison:
    """Of the real rows of one connection in one table with those of the copy."""

    def __init__(self, schema: str, table: str, connection_id: UUID) -> None:
        self.table = table
        real = sql.Identifier(schema, table)
        self._names: dict[str, sql.Composable] = {
            "real": real,
            "table": sql.Identifier(table),
            "real_name": sql.Literal(real.as_string(connection.connection)),
            "connection_id": sql.Literal(connection_id),
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
        """The ids of the rows that differ, or are in one of the two alone. They are looked for at once."""
        self._execute(_FIND)
        after = UUID(int=0)
        while ids := [id_ for (id_,) in self._rows(_NEXT, after=sql.Literal(after), limit=sql.Literal(size))]:
            yield ids
            after = ids[-1]

    def put_in_place(self, ids: Sequence[UUID]) -> int:
        """Makes the real rows what the copy's are: how many changed."""
        some = sql.Literal(list(ids))
        deleted = 0 if self.table in _NEVER_DELETED else self._execute(_DELETE, ids=some)
        return deleted + self._execute(_PUT, ids=some)

    def add_missing(self) -> int:
        """Adds the copy's rows that are not among the real ones: how many."""
        return self._execute(_ADD_MISSING)

    def copy_missing(self) -> list[UUID]:
        """Adds the real rows that are not in the copy: their ids."""
        return [id_ for (id_,) in self._rows(_COPY_MISSING)]

    def count_events(self, ids: Sequence[UUID], weeks: Weeks) -> None:
        """For lineage_run, while nobody writes: has the copy's rows say how many events they have."""
        outside = weeks.outside("first_event_at", "last_event_at")
        self._execute(_COUNT_EVENTS, ids=sql.Literal(list(ids)), outside=outside)

    def runs_that_knew_more(self, weeks: Weeks) -> Iterator[list[RunRow]]:
        """For lineage_run: real rows that had events which are stored no more, and stand-ins. `event_count`
        is of those events."""
        names = list(COLUMNS)
        said = {name: sql.Identifier("real", name) for name in names} | {"event_count": sql.SQL(_MORE_EVENTS)}
        values = sql.SQL(", ").join(said[name] for name in names)
        outside = weeks.outside("first_event_at", "last_event_at")
        for rows in self._chunks(_RUNS_THAT_KNEW_MORE, key=names.index("id"), values=values, outside=outside):
            yield [RunRow(*row) for row in rows]

    def edges_outside(self, weeks: Weeks) -> Iterator[list[Row]]:
        """For lineage_edge: real rows that dropped events may have named."""
        return self._chunks(_EDGES, outside=weeks.outside("first_event_hour", "last_event_hour"))

    def descriptions_outside(self, weeks: Weeks) -> Iterator[list[Row]]:
        """For lineage_job: what dropped events may have said, as `update_jobs` takes it."""
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
        """For lineage_dataset: has the copy say so where the real rows do."""
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
