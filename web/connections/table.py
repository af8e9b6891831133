"""The Connections list: which connections, in which order, and what its filters lead to.

People have tens of connections, at most hundreds: all are summed up in a few queries, then filtered and sorted here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.paginator import Page, Paginator

from connections.kinds import KINDS
from connections.models import Connection
from connections.querysets import Reader
from lineage.now.now import read_slow
from lineage.overview.filters import ConnectionFilter, has_words
from lineage.overview.summaries import ConnectionStatus, ConnectionSummary, connection_summaries
from pull.reading import read_fetching_of
from web.components.density import DENSITY
from web.components.lists import Choices, Column, Heading, Listing, Option, Places, headings, numbered_places, option
from web.components.values import page_number
from web.connections.rights import with_rights

ROWS_PER_PAGE = 50
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """`slow_jobs`: jobs of which a running run is slow."""

    summary: ConnectionSummary
    slow_jobs: int

    @property
    def connection(self) -> Connection:
        return self.summary.connection


SORT_VALUES: dict[str, Callable[[ConnectionRow], Any]] = {
    "name": lambda row: row.connection.name.casefold(),
    "status": lambda row: (row.summary.status, row.summary.reason),
    "jobs": lambda row: row.summary.total_jobs,
    "running": lambda row: row.summary.running_jobs,
    "failing": lambda row: row.summary.failing_jobs,
    "lost": lambda row: row.summary.lost_jobs,
    "slow": lambda row: row.slow_jobs,
    "last_event": lambda row: row.summary.last_event_at or LONG_AGO,
}


CONNECTIONS = Listing(
    ConnectionFilter,
    names={"status": "status", "type": "type", "q": "search"},
    columns=(
        Column("name", "Name"),
        Column("status", "Status"),
        Column("jobs", "Jobs", downwards_first=True),
        Column("running", "Running", downwards_first=True),
        Column("failing", "Failing", downwards_first=True),
        Column("lost", "Lost", downwards_first=True),
        Column("slow", "Slow", downwards_first=True),
        Column("last_event", "Last event", downwards_first=True),
    ),
    sort="name",
    kept={"page": page_number, **DENSITY},
    place="page",
)


@dataclass(frozen=True, slots=True)
class ConnectionTable:
    """`is_empty`: there is no connection at all, rather than none that was asked for."""

    choices: Choices
    page: Page[ConnectionRow]
    is_empty: bool
    columns: dict[str, Heading]
    statuses: list[Option]
    types: list[Option]
    places: Places


def read_connection_table(choices: Choices, reader: Reader, *, now: datetime) -> ConnectionTable:
    """Read all connections, and keep those that were chosen."""
    connections = list(Connection.objects.visible(reader))
    ids = [connection.pk for connection in connections]
    summaries = connection_summaries(connections, now=now, fetching=read_fetching_of(ids, now=now))
    slow = Counter(connection_id for connection_id, _ in read_slow(ids, now=now))
    rows = [ConnectionRow(one, slow[one.connection.pk]) for one in summaries]
    page = _page(rows, choices)
    with_rights([row.connection for row in page.object_list], reader)
    return ConnectionTable(
        choices=choices,
        page=page,
        is_empty=not rows,
        columns={heading.key: heading for heading in headings(choices)},
        statuses=_statuses(rows, choices),
        types=_types(rows, choices),
        places=numbered_places(choices, page),
    )


def _page(rows: list[ConnectionRow], choices: Choices) -> Page[ConnectionRow]:
    # By name among equals, whichever way the column goes.
    chosen = sorted(_found(rows, choices, status=choices["status"], type=choices["type"]), key=SORT_VALUES["name"])
    sort = choices["sort"]
    chosen.sort(key=SORT_VALUES[sort.removeprefix("-")], reverse=sort.startswith("-"))
    return Paginator([] if choices.errors else chosen, ROWS_PER_PAGE).get_page(choices["page"])


def _statuses(rows: list[ConnectionRow], choices: Choices) -> list[Option]:
    """Options for all connections and for each status, with how many the other choices leave there."""
    found = [row.summary.status for row in _found(rows, choices, type=choices["type"])]
    is_all = not choices.any_of("status", "type")
    everything = Option("", "All", choices.query(status="", type=""), is_all, len(_found(rows, choices)))
    counted = ((status.value, status.label, found.count(status)) for status in ConnectionStatus)
    return [everything, *(option(choices, "status", *status, toggles=True) for status in counted)]


def _types(rows: list[ConnectionRow], choices: Choices) -> list[Option]:
    """Options for the types that there are connections of."""
    found = [row.connection.type for row in _found(rows, choices, status=choices["status"])]
    present = {row.connection.type for row in rows}
    return [
        option(choices, "type", kind.value, kind.short_title, found.count(kind.value), toggles=True)
        for kind in KINDS
        if kind.value in present
    ]


def _found(
    rows: list[ConnectionRow],
    choices: Choices,
    *,
    status: str = "",
    type: str = "",  # noqa: A002
) -> list[ConnectionRow]:
    """Connections that the search finds, of a status and of a type."""
    return [
        row
        for row in rows
        if has_words(row.connection, choices["q"])
        and status in ("", row.summary.status)
        and type in ("", row.connection.type)
    ]
