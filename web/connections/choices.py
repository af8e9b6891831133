"""What a reader of the Connections list chose, as the URL says it."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict

from connections.models import Connection
from lineage.overview.summaries import ConnectionStatus

LONGEST_SEARCH = 200
SORT_KEYS = ("name", "status", "jobs", "running", "failing", "last_event")
BY_NAME = "name"


@dataclass(frozen=True, slots=True)
class ConnectionChoices:
    """Filters, search, order and page. A value that is not among the known ones is as if it were not there."""

    status: str = ""
    type: str = ""
    search: str = ""
    # One of SORT_KEYS, with "-" in front for downwards.
    sort: str = BY_NAME
    page: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> ConnectionChoices:
        status, type_, sort = query.get("status", ""), query.get("type", ""), query.get("sort", "")
        return cls(
            status=status if status in ConnectionStatus.values else "",
            type=type_ if type_ in Connection.Type.values else "",
            search=" ".join(query.get("q", "").replace("\0", " ").split())[:LONGEST_SEARCH],
            sort=sort if sort.removeprefix("-") in SORT_KEYS else BY_NAME,
            page=query.get("page", ""),
        )

    @property
    def are_narrowing(self) -> bool:
        """Whether they leave connections out."""
        return bool(self.status or self.type or self.search)

    def query(self, **changes: str) -> str:
        """The URL's query, `?…` or nothing, for these choices with some changed; to the first page unless told."""
        chosen = {"status": self.status, "type": self.type, "q": self.search, "sort": self.sort, **changes}
        if chosen["sort"] == BY_NAME:
            chosen["sort"] = ""
        query = QueryDict(mutable=True)
        query.update({name: value for name, value in chosen.items() if value})
        return f"?{query.urlencode()}" if query else ""

    @property
    def own_query(self) -> str:
        """The query that leads here."""
        return self.query(page=self.page)

    @property
    def cleared_query(self) -> str:
        """The same order, with all connections."""
        return self.query(status="", type="", q="")
