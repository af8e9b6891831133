"""What a reader of the job table chose, as the URL says it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import QueryDict

from lineage.events.decode import MAX_NAME_CHARACTERS
from lineage.models import Job, RunState
from lineage.models.job_queryset import JOB_SORT_KEYS, NO_RUN

LONGEST_SEARCH = 200
LONGEST_LABEL = 256
# As long as events may have them.
LONGEST_NAMESPACE = MAX_NAME_CHARACTERS
# Jobs whose inner ones are shown: each takes its place in the URL.
MOST_OPEN = 20
# What a job may be filtered by: the state of its latest run, and that it never ran.
STATES: dict[str, str] = {
    RunState.FAILED.value: "Failed",
    RunState.LOST.value: "Lost",
    RunState.RUNNING.value: "Running",
    RunState.COMPLETED.value: "Completed",
    RunState.ABORTED.value: "Aborted",
    RunState.SKIPPED.value: "Skipped",
    RunState.UPSTREAM_FAILED.value: "Upstream failed",
    RunState.UNKNOWN.value: "Unknown",
    NO_RUN: "No run yet",
}


@dataclass(frozen=True, slots=True)
class JobChoices:
    """Filters, search, order and page. A value that is not among the known ones is as if it were not there."""

    state: str = ""
    kind: str = ""
    namespace: str = ""
    owner: str = ""
    tag: str = ""
    search: str = ""
    # The jobs that were unfolded.
    opened: tuple[UUID, ...] = ()
    # A key of JOB_SORT_KEYS, with "-" in front for downwards. Empty: what needs attention first.
    sort: str = ""
    page: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> JobChoices:
        state, kind, sort = query.get("state", ""), query.get("kind", ""), query.get("sort", "")
        return cls(
            state=state if state in STATES else "",
            kind=kind if kind in Job.Kind.values else "",
            namespace=_label(query.get("namespace", ""), longest=LONGEST_NAMESPACE),
            owner=_label(query.get("owner", "")),
            tag=_label(query.get("tag", "")),
            opened=_ids(query.get("open", "")),
            # PostgreSQL refuses a NUL in text.
            search=" ".join(query.get("q", "").replace("\0", " ").split())[:LONGEST_SEARCH],
            sort=sort if sort.removeprefix("-") in JOB_SORT_KEYS else "",
            page=query.get("page", ""),
        )

    @property
    def are_narrowing(self) -> bool:
        """Whether they leave jobs out."""
        return bool(self.state) or not self.narrow_by_state_at_most

    @property
    def narrow_by_state_at_most(self) -> bool:
        """Whether they leave jobs out by their state alone."""
        return not (self.kind or self.namespace or self.owner or self.tag or self.search)

    def query(self, **changes: str) -> str:
        """The URL's query, `?…`, for these choices with some changed; it leads to the first page unless told."""
        chosen = {
            "state": self.state,
            "kind": self.kind,
            "namespace": self.namespace,
            "owner": self.owner,
            "tag": self.tag,
            "q": self.search,
            "sort": self.sort,
            "open": ",".join(map(str, self.opened)),
            **changes,
        }
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
        return self.query(state="", kind="", namespace="", owner="", tag="", q="")

    def toggled_query(self, job_id: UUID) -> str:
        """The same page, with this job unfolded, or folded again."""
        others = [id_ for id_ in self.opened if id_ != job_id]
        opened = others if len(others) < len(self.opened) else [*others, job_id][-MOST_OPEN:]
        return self.query(open=",".join(map(str, opened)), page=self.page)


def _label(text: str, *, longest: int = LONGEST_LABEL) -> str:
    return "" if "\0" in text or len(text) > longest else text


def _ids(text: str) -> tuple[UUID, ...]:
    """Those that are ids; each once."""
    found: dict[UUID, None] = {}
    for part in text[: 40 * MOST_OPEN].split(","):
        try:
            found[UUID(part)] = None
        except ValueError:
            continue
    return tuple(found)[:MOST_OPEN]
