"""A dataset's page: puts what is known of it into rows, boxes and charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from connections.models import Connection
from lineage.datasets.checks import TestOfDataset
from lineage.datasets.dataset import DatasetDetails
from lineage.datasets.origins import Influence, Origin
from lineage.datasets.schema import Column, SchemaChange
from lineage.datasets.users import User
from lineage.datasets.writes import Write
from lineage.runs.times import local
from web.components.charts.rows import RowChart, RowPoint, row_chart
from web.components.charts.scales import compact
from web.datasets.flow import Side, side_of
from web.templatetags.observatory import exact_words, run_url

COLUMNS_SHOWN: Final = 50
# With `?all=columns`; further ones are in the API.
MOST_COLUMNS: Final = 2_000
USERS_SHOWN: Final = 300
CHANGES_SHOWN: Final = 10
DIFFERENCES_SHOWN: Final = 20
TESTS_SHOWN: Final = 100
WRITES_IN_NARROW_CHART: Final = 20
# Parts of the page that may be shown in full.
PARTS: Final = ("columns", "jobs", "history")


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """Column with its origin, tags and test results, failed ones first."""

    column: Column
    origin: Origin | None
    tags: list[str]
    tests: list[TestOfDataset]

    @property
    def depth_shown(self) -> int:
        """Steps to the right, of which the style sheet knows five."""
        return min(self.column.depth, 5)

    @property
    def test_names(self) -> str:
        """Names of the tests that have the first one's result: `unique, not null`."""
        worst = [test for test in self.tests if test.state == self.tests[0].state]
        return ", ".join(dict.fromkeys(test.assertion.replace("_", " ") for test in worst))


@dataclass(frozen=True, slots=True)
class UserRow:
    user: User
    connection: Connection


@dataclass(frozen=True, slots=True)
class WriteRow:
    write: Write
    # `2.5 % fewer than the write before`; empty: there is none before.
    compared: str


@dataclass(frozen=True, slots=True)
class ShownChange:
    """Change of the schema. `more`: differences that are not listed."""

    change: SchemaChange
    differences: Sequence[object]
    more: int


@dataclass(frozen=True, slots=True)
class DatasetPage:
    """`part`: which part is shown in full; empty: none. `other_tests`: of the table, and of columns that the schema
    does not name."""

    details: DatasetDetails
    part: str
    connections: list[Connection]
    writers: Side
    readers: Side
    users: list[UserRow]
    columns: list[ColumnRow]
    of_all_columns: list[Influence]
    charts: list[tuple[str, RowChart]]
    writes: list[WriteRow]
    other_tests: list[TestOfDataset]
    schema_changes: list[ShownChange]
    now: datetime

    @property
    def more_columns(self) -> int:
        return len(self.details.columns) - len(self.columns)

    @property
    def more_changes(self) -> int:
        return len(self.details.schema.changes) - len(self.schema_changes)

    @property
    def last_rows(self) -> WriteRow | None:
        return self.writes[0] if self.writes else None

    @property
    def has_origins(self) -> bool:
        return any(row.origin and row.origin.is_known for row in self.columns)

    @property
    def has_tests(self) -> bool:
        return any(row.tests for row in self.columns)


def dataset_page(details: DatasetDetails, part: str, *, now: datetime) -> DatasetPage:
    """Prepare a page. No query."""
    connections = details.found.connections
    users = [*details.users.writers, *details.users.readers]
    columns = _columns(details, MOST_COLUMNS if part == "columns" else COLUMNS_SHOWN)
    changes = details.schema.changes if part == "history" else details.schema.changes[:CHANGES_SHOWN]
    return DatasetPage(
        details=details,
        part=part,
        connections=[connections[id_] for id_ in details.found.connection_ids],
        writers=side_of(details.users.writers, connections, is_left=True),
        readers=side_of(details.users.readers, connections, is_left=False),
        users=_users(users, connections) if part == "jobs" else [],
        columns=columns,
        of_all_columns=details.origins.of_all,
        charts=_charts(details),
        writes=[WriteRow(write, compared(write)) for write in reversed(details.writes.writes)],
        other_tests=_other_tests(details),
        schema_changes=[
            ShownChange(change, change.differences[:DIFFERENCES_SHOWN], len(change.differences[DIFFERENCES_SHOWN:]))
            for change in changes
        ],
        now=now,
    )


def _users(users: Sequence[User], connections: Mapping[UUID, Connection]) -> list[UserRow]:
    return [UserRow(user, connections[user.job.connection_id]) for user in users[:USERS_SHOWN]]


def _columns(details: DatasetDetails, most: int) -> list[ColumnRow]:
    origins, tests = details.origins.columns, details.tests.of_columns()
    tags = details.description.column_tags
    return [
        ColumnRow(column, origins.get(column.path), tags.get(column.path, []), tests.get(column.path, []))
        for column in details.columns[:most]
    ]


def _other_tests(details: DatasetDetails) -> list[TestOfDataset]:
    paths = {column.path for column in details.schema.columns}
    if not paths:
        return details.tests.of_table[:TESTS_SHOWN]
    return [test for test in details.tests.results if test.column not in paths][:TESTS_SHOWN]


def compared(write: Write) -> str:
    """Compare a write with the one before: `22 % fewer than the write before`."""
    if write.change is None:
        return ""
    percent = abs(write.change) * 100
    if not percent:
        return "as many as the write before"
    words = "fewer" if write.change < 0 else "more"
    if percent >= 1000:
        return f"{percent / 100 + 1:.0f} times the write before"
    return f"{percent:.{0 if percent >= 10 else 1 if percent >= 0.1 else 2}f} % {words} than the write before"


def _charts(details: DatasetDetails) -> list[tuple[str, RowChart]]:
    usual = details.writes.usual
    points = [_point(write) for write in details.writes.writes]
    made = (
        ("wide", row_chart(points, usual=usual, width=960, height=210, most_times=8)),
        ("narrow", row_chart(points[-WRITES_IN_NARROW_CHART:], usual=usual, width=340, height=200, most_times=3)),
    )
    return [(name, chart) for name, chart in made if chart]


def _point(write: Write) -> RowPoint:
    said = compared(write)
    title = f"{write.rows:,} rows, {exact_words(write.at)}" + (f", {said}" if said else "")
    at = local(write.at)
    day = f"{at.day} {at:%b}"
    note = f"{day}: {compact(write.rows)}" + (f", {said}" if said else "")
    return RowPoint(at, write.rows, title, run_url(write.run) if write.run else "", note if write.is_unusual else "")
