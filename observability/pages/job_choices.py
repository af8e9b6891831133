"""What a reader of the job table chose, as the URL says it."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict

from lineage.models import Job, RunState
from lineage.querysets import JOB_SORT_KEYS, NO_RUN

LONGEST_SEARCH = 200
# What a job may be filtered by: the state of its latest run, and that it never ran.
STATES: dict[str, str] = {
    RunState.FAILED.value: "Failed",
    RunState.RUNNING.value: "Running",
    RunState.COMPLETED.value: "Completed",
    RunState.ABORTED.value: "Aborted",
    RunState.UNKNOWN.value: "Unknown",
    NO_RUN: "No run yet",
}


@dataclass(frozen=True, slots=True)
class JobChoices:
    """Filters, search, order and page. A value that is not among the known ones is as if it were not there."""

    state: str = ""
    kind: str = ""
    search: str = ""
    # A key of JOB_SORT_KEYS, with "-" in front for downwards. Empty: what needs attention first.
    sort: str = ""
    page: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> JobChoices:
        state, kind, sort = query.get("state", ""), query.get("kind", ""), query.get("sort", "")
        return cls(
            state=state if state in STATES else "",
            kind=kind if kind in Job.Kind.values else "",
            # PostgreSQL refuses a NUL in text.
            search=" ".join(query.get("q", "").replace("\0", " ").split())[:LONGEST_SEARCH],
            sort=sort if sort.removeprefix("-") in JOB_SORT_KEYS else "",
            page=query.get("page", ""),
        )

    @property
    def are_narrowing(self) -> bool:
        """Whether they leave jobs out."""
        return bool(self.state or self.kind or self.search)

    def query(self, **changes: str) -> str:
        """The URL's query, `?…`, for these choices with some changed; it leads to the first page unless told."""
        chosen = {"state": self.state, "kind": self.kind, "q": self.search, "sort": self.sort, **changes}
        query = QueryDict(mutable=True)
        query.update({name: value for name, value in chosen.items() if value})
        return f"?{query.urlencode()}"

    @property
    def own_query(self) -> str:
        """The query that leads here."""
        return self.query(page=self.page)

    @property
    def cleared_query(self) -> str:
        """The same order, with all jobs."""
        return self.query(state="", kind="", q="")
