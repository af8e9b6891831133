"""Columns of the lineage tables other than lineage_job and lineage_run, and how two rows with one key are merged.

Each row is a tuple of the columns in the order given here. Merges are commutative and associative, so neither the order
nor the repetition of events changes a row. Described once, for Python and for SQL.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter, or_
from typing import Any, Final

Row = tuple[Any, ...]

# Type of a column that may be NULL → what it is compared as.
_ABSENT: Final = {"bigint": -1}


@dataclass(frozen=True)
class Table:
    """Table whose key is (connection_id, id).

    `columns`: name → type. `least`, `greatest` and `bits` (OR of bits) are merged column by column. Of the columns
    `latest` the greater row, compared in this order, gives all of them. All other columns follow from the key.
    """

    name: str
    columns: dict[str, str]
    least: tuple[str, ...] = ()
    greatest: tuple[str, ...] = ()
    bits: tuple[str, ...] = ()
    latest: tuple[str, ...] = ()
    # Columns with the first and the last time of the events that gave the row.
    times: tuple[str, str] | None = None

    @cached_property
    def _choices(self) -> list[tuple[int, Callable[[Any, Any], Any]]]:
        """Position and merge of each column that is merged by itself."""
        merges = ((self.least, min), (self.greatest, max), (self.bits, or_))
        return [(self._positions[name], merge) for names, merge in merges for name in names]

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: position for position, name in enumerate(self.columns)}

    def add(self, rows: dict[Any, Row], key: Any, row: Row) -> None:
        """Merge a row into those of one digest."""
        known = rows.get(key)
        if known is None:
            rows[key] = row
        elif known != row:
            rows[key] = self.merged(known, row)

    def merged(self, one: Row, other: Row) -> Row:
        """Merge two rows with one key."""
        row = list(one)
        for position, choose in self._choices:
            ours, theirs = one[position], other[position]
            row[position] = choose(ours, theirs) if ours is not None and theirs is not None else ours or theirs
        if self.latest and self._compared(other) > self._compared(one):
            for name in self.latest:
                row[self._positions[name]] = other[self._positions[name]]
        return tuple(row)

    def _compared(self, row: Row) -> list[Any]:
        values = [(row[self._positions[name]], _ABSENT.get(self.columns[name])) for name in self.latest]
        return [absent if value is None else value for value, absent in values]

    def upsert(self, source: str) -> str:
        """SQL that merges the rows of `source`, which has these columns, into the stored ones."""
        insert = f"INSERT INTO {self.name} AS stored ({', '.join(self.columns)})\n{source}\n"
        changes = self._changes()
        if not changes:
            return f"{insert}ON CONFLICT (connection_id, id) DO NOTHING"
        assigned = ",\n    ".join(f"{name} = {value}" for name, value in changes.items())
        condition = (
            f"({', '.join(f'stored.{name}' for name in changes)}) IS DISTINCT FROM ({', '.join(changes.values())})"
        )
        return f"{insert}ON CONFLICT (connection_id, id) DO UPDATE SET\n    {assigned}\nWHERE {condition}"

    def _changes(self) -> dict[str, str]:
        """Return for each merged column its value in SQL."""
        found = {name: f"LEAST(stored.{name}, excluded.{name})" for name in self.least}
        found |= {name: f"GREATEST(stored.{name}, excluded.{name})" for name in self.greatest}
        found |= {name: f"stored.{name} | excluded.{name}" for name in self.bits}
        if self.latest:
            wins = f"({self._compared_sql('excluded')}) > ({self._compared_sql('stored')})"
            found |= {name: f"CASE WHEN {wins} THEN excluded.{name} ELSE stored.{name} END" for name in self.latest}
        return found

    def _compared_sql(self, row: str) -> str:
        return ", ".join(self._with_absent(f"{row}.{name}", self.columns[name]) for name in self.latest)

    def _with_absent(self, value: str, type_: str) -> str:
        return f"COALESCE({value}, {_ABSENT[type_]})" if type_ in _ABSENT else value


def ordered(rows: Iterable[Row]) -> list[Row]:
    """Sort rows by key. Writers that lock rows in one order cannot deadlock."""
    return sorted(rows, key=itemgetter(0, 1))


_IDS: Final = {"connection_id": "uuid", "id": "uuid"}

DATASET: Final = Table(
    "lineage_dataset",
    {**_IDS, "namespace": "text", "name": "text", "described": "boolean", "match_id": "uuid", "base_id": "uuid"},
)
EDGE: Final = Table(
    "lineage_edge",
    {
        **_IDS,
        "job_id": "uuid",
        "dataset_id": "uuid",
        "direction": "text",
        "first_event_hour": "timestamptz",
        "last_event_hour": "timestamptz",
        "declared_at": "timestamptz",
        "effects": "integer",
    },
    least=("first_event_hour",),
    greatest=("last_event_hour", "declared_at"),
    bits=("effects",),
    times=("first_event_hour", "last_event_hour"),
)
CONTENT: Final = Table("lineage_content", {**_IDS, "body": "bytea", "names": "text"})
FACT: Final = Table(
    "lineage_fact",
    {
        **_IDS,
        "subject_id": "uuid",
        "kind": "text",
        "side": "text",
        "content_id": "uuid",
        "first_at": "timestamptz",
        "last_hour": "timestamptz",
    },
    least=("first_at",),
    greatest=("last_hour",),
    times=("first_at", "last_hour"),
)
ALIAS: Final = Table(
    "lineage_alias",
    {
        **_IDS,
        "dataset_id": "uuid",
        "alias_id": "uuid",
        "kind": "text",
        "first_event_hour": "timestamptz",
        "last_event_hour": "timestamptz",
    },
    least=("first_event_hour",),
    greatest=("last_event_hour", "kind"),
    times=("first_event_hour", "last_event_hour"),
)
CHANGE: Final = Table(
    "lineage_change",
    {
        **_IDS,
        "run_id": "uuid",
        "dataset_id": "uuid",
        "change": "text",
        "previous_id": "uuid",
        "at": "timestamptz",
    },
    greatest=("at",),
    times=("at", "at"),
)
MEASURE: Final = Table(
    "lineage_measure",
    {
        **_IDS,
        "run_id": "uuid",
        "dataset_id": "uuid",
        "direction": "text",
        "said_at": "timestamptz",
        "row_count": "bigint",
        "byte_count": "bigint",
        "file_count": "bigint",
        "version": "text",
    },
    latest=("said_at", "row_count", "byte_count", "file_count", "version"),
    times=("said_at", "said_at"),
)
CHECK: Final = Table(
    "lineage_check",
    {
        **_IDS,
        "run_id": "uuid",
        "dataset_id": "uuid",
        "column_name": "text",
        "assertion": "text",
        "name": "text",
        "said_at": "timestamptz",
        "failed": "boolean",
        "has_result": "boolean",
        "severity": "text",
        "expected": "text",
        "actual": "text",
    },
    # Of two results of one time, the failure counts.
    latest=("said_at", "failed", "has_result", "severity", "expected", "actual"),
    times=("said_at", "said_at"),
)
RELATION: Final = Table(
    "lineage_relation",
    {
        **_IDS,
        "kind": "text",
        "source_id": "uuid",
        "target_id": "uuid",
        "first_event_hour": "timestamptz",
        "last_event_hour": "timestamptz",
    },
    least=("first_event_hour",),
    greatest=("last_event_hour",),
    times=("first_event_hour", "last_event_hour"),
)
EXTRACTION: Final = Table(
    "lineage_extraction",
    {**_IDS, "run_id": "uuid", "said_at": "timestamptz", "failed": "integer", "total": "integer"},
    latest=("said_at", "failed", "total"),
    times=("said_at", "said_at"),
)
# In the order in which they are written.
MERGED: Final = (EDGE, CONTENT, FACT, ALIAS, CHANGE, MEASURE, CHECK, RELATION, EXTRACTION)
