"""What a reader of a run's page chose, as the URL says it."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict

from lineage.models import RunState

ALL = "all"


@dataclass(frozen=True, slots=True)
class RunPageChoices:
    """Where its two lists are, and how much is read. A value that makes no sense is as if it were not there."""

    # State of the child runs shown.
    state: str = ""
    # Cursors of keyset pages.
    children: str = ""
    events: str = ""
    # ALL: the facets of large runs as well, which takes its time.
    read: str = ""

    @classmethod
    def read_from(cls, query: QueryDict) -> RunPageChoices:
        state = query.get("state", "")
        return cls(
            state=state if state in RunState.values else "",
            children=query.get("children", ""),
            events=query.get("events", ""),
            read=ALL if query.get("read") == ALL else "",
        )

    @property
    def in_full(self) -> bool:
        return self.read == ALL

    def query(self, **changes: str) -> str:
        """The URL's query, `?…`, for these choices with some changed."""
        chosen = {
            "state": self.state,
            "children": self.children,
            "events": self.events,
            "read": self.read,
            **changes,
        }
        query = QueryDict(mutable=True)
        query.update({name: value for name, value in chosen.items() if value})
        return f"?{query.urlencode()}"

    @property
    def own_query(self) -> str:
        """The query that leads here."""
        return self.query()

    @property
    def full_query(self) -> str:
        return self.query(read=ALL)
