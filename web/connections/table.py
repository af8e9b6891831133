"""The Connections list: which connections, in which order, and what its filters lead to.

People have tens of connections, at most hundreds: all are summed up in a few queries, then filtered and sorted here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator

from connections.kinds import KINDS
from connections.models import Connection
from lineage.overview.summaries import ConnectionStatus, ConnectionSummary, connection_summaries
from web.connections.choices import ConnectionChoices

ROWS_PER_PAGE = 50
LONG_AGO = datetime.min.replace(tzinfo=UTC)

SORT_VALUES: dict[str, Callable[[ConnectionSummary], Any]] = {
    "name": lambda row: row.connection.name.casefold(),
    "status": lambda row: (row.status, row.reason),
    "jobs": lambda row: row.total_jobs,
    "running": lambda row: row.running_jobs,
    "failing": lambda row: row.failing_jobs,
    "last_event": lambda row: row.last_event_at or LONG_AGO,
}
COLUMNS = (
    ("name", "Name"),
    ("status", "Status"),
    ("jobs", "Jobs"),
    ("running", "Running"),
    ("failing", "Failing"),
    ("last_event", "Last event"),
)
# The newest and the most are what readers look for: there the first click sorts downwards.
DOWNWARDS_FIRST = {"jobs", "running", "failing", "last_event"}


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    title: str
    # What a click on the heading leads to.
    query: str
    # As `aria-sort` has it: ascending or descending; empty where the table is not sorted by this column.
    order: str


@dataclass(frozen=True, slots=True)
class Chip:
    """One value of a filter: what choosing it leads to, and how many connections are there."""

    title: str
    query: str
    chosen: bool
    count: int


@dataclass(frozen=True)
class ConnectionTable:
    choices: ConnectionChoices
    now: datetime

    @cached_property
    def page(self) -> Page[ConnectionSummary]:
        key = self.choices.sort.removeprefix("-")
        # By name among equals, whichever way the column goes.
        rows = sorted(self._chosen(), key=SORT_VALUES["name"])
        rows.sort(key=SORT_VALUES[key], reverse=self.choices.sort.startswith("-"))
        return Paginator(rows, ROWS_PER_PAGE).get_page(self.choices.page)

    @cached_property
    def is_empty(self) -> bool:
        """Whether there is no connection at all, rather than none that was asked for."""
        return not self._all

    @cached_property
    def columns(self) -> list[Column]:
        return [self._column(key, title) for key, title in COLUMNS]

    @cached_property
    def statuses(self) -> list[Chip]:
        """All, and each status, with how many connections the other choices leave there."""
        found = self._found(type=self.choices.type)
        everything = Chip(
            "All",
            self.choices.query(status="", type=""),
            chosen=not (self.choices.status or self.choices.type),
            count=len(self._found()),
        )
        return [everything] + [
            Chip(
                status.label,
                self.choices.query(status="" if status == self.choices.status else status.value),
                chosen=status == self.choices.status,
                count=sum(row.status == status for row in found),
            )
            for status in ConnectionStatus
        ]

    @cached_property
    def types(self) -> list[Chip]:
        """Each type that there are connections of."""
        found = self._found(status=self.choices.status)
        present = {row.connection.type for row in self._all}
        return [
            Chip(
                kind.short_title,
                self.choices.query(type="" if kind.value == self.choices.type else kind.value),
                chosen=kind.value == self.choices.type,
                count=sum(row.connection.type == kind.value for row in found),
            )
            for kind in KINDS
            if kind.value in present
        ]

    @property
    def previous_query(self) -> str:
        return self.choices.query(page=str(self.page.previous_page_number())) if self.page.has_previous() else ""

    @property
    def next_query(self) -> str:
        return self.choices.query(page=str(self.page.next_page_number())) if self.page.has_next() else ""

    @cached_property
    def _all(self) -> list[ConnectionSummary]:
        return connection_summaries(Connection.objects.visible(), now=self.now)

    def _chosen(self) -> list[ConnectionSummary]:
        return self._found(status=self.choices.status, type=self.choices.type)

    def _found(self, *, status: str = "", type: str = "") -> list[ConnectionSummary]:  # noqa: A002
        """Those that the search finds, of a status and of a type."""
        search = self.choices.search.casefold()
        return [
            row
            for row in self._all
            if search in row.connection.name.casefold()
            and status in ("", row.status)
            and type in ("", row.connection.type)
        ]

    def _column(self, key: str, title: str) -> Column:
        upwards, downwards = key, f"-{key}"
        first, then = (downwards, upwards) if key in DOWNWARDS_FIRST else (upwards, downwards)
        order = {upwards: "ascending", downwards: "descending"}.get(self.choices.sort, "")
        return Column(key, title, self.choices.query(sort=then if self.choices.sort == first else first), order)
