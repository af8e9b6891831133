"""What a reader of runs chose, as the URL says it: on the Runs page, and on the page of a job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.http import QueryDict

from lineage.database.keyset import Cursor
from lineage.events.facets import MAX_ORCHESTRATOR_RUN_ID_CHARACTERS
from lineage.models import Job, RunState

if TYPE_CHECKING:
    from lineage.models.run_queryset import RunQuerySet

LONGEST_SEARCH = 200
RANGES = {
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
}
# In seconds, as the URL has them.
DURATIONS = {
    "10": "10 s or longer",
    "60": "1 min or longer",
    "600": "10 min or longer",
    "3600": "1 h or longer",
    "21600": "6 h or longer",
    "86400": "1 day or longer",
}


@dataclass(frozen=True, slots=True)
class RunChoices:
    """Filters and page. A value that is not among the known ones is as if it were not there."""

    state: str = ""
    connection: str = ""
    kind: str = ""
    search: str = ""
    # Exactly, unlike `search`.
    orchestrator_run_id: str = ""
    # A key of RANGES.
    range: str = ""
    # From here to before there, as a form has them: 2026-03-02T12:00, in UTC.
    since: str = ""
    until: str = ""
    # A key of DURATIONS.
    minimum: str = ""
    cursor: Cursor | None = None

    @classmethod
    def read(cls, query: QueryDict) -> RunChoices:
        def known(name: str, values: object) -> str:
            value = query.get(name, "")
            return value if value in values else ""  # type: ignore[operator]

        return cls(
            state=known("state", RunState.values),
            connection=_connection_id(query.get("connection", "")),
            kind=known("kind", Job.Kind.values),
            # PostgreSQL refuses a NUL in text.
            search=" ".join(query.get("q", "").replace("\0", " ").split())[:LONGEST_SEARCH],
            orchestrator_run_id=query.get("orchestrator_run_id", "")
            .replace("\0", " ")
            .strip()[:MAX_ORCHESTRATOR_RUN_ID_CHARACTERS],
            range=known("range", RANGES),
            since=_moment(query.get("from", "")),
            until=_moment(query.get("to", "")),
            minimum=known("min", DURATIONS),
            cursor=_cursor(query.get("cursor", "")),
        )

    @classmethod
    def read_of_job(cls, query: QueryDict) -> RunChoices:
        """Without what tells jobs apart."""
        kept = query.copy()
        for name in ("connection", "kind", "q"):
            kept.pop(name, None)
        return cls.read(kept)

    @property
    def are_narrowing(self) -> bool:
        """Whether they leave runs out."""
        named = self.connection or self.orchestrator_run_id
        return bool(self.state or self.narrow_jobs or named or self.has_times or self.minimum)

    @property
    def narrow_jobs(self) -> bool:
        return bool(self.kind or self.search)

    @property
    def has_times(self) -> bool:
        return bool(self.range or self.has_own_times)

    @property
    def has_own_times(self) -> bool:
        """Whether the reader named a time of their own."""
        return bool(self.since or self.until)

    def among(self, runs: RunQuerySet, *, now: datetime) -> RunQuerySet:
        """Those of the runs that they leave, but for the state and the job."""
        if self.orchestrator_run_id:
            runs = runs.filter(orchestrator_run_id=self.orchestrator_run_id)
        if self.range:
            runs = runs.took_place_since(now - RANGES[self.range][1])
        if self.since:
            runs = runs.took_place_since(_instant(self.since))
        if self.until:
            runs = runs.took_place_before(_instant(self.until))
        if self.minimum:
            runs = runs.lasting_at_least(timedelta(seconds=int(self.minimum)), now=now)
        return runs

    def query(self, **changes: str) -> str:
        """The URL's query, `?…`, for these choices with some changed; it leads to the first page unless told."""
        chosen = {
            "state": self.state,
            "connection": self.connection,
            "kind": self.kind,
            "q": self.search,
            "orchestrator_run_id": self.orchestrator_run_id,
            "range": self.range,
            "from": self.since,
            "to": self.until,
            "min": self.minimum,
            **changes,
        }
        query = QueryDict(mutable=True)
        query.update({name: value for name, value in chosen.items() if value})
        return f"?{query.urlencode()}"

    @property
    def own_query(self) -> str:
        """The query that leads here."""
        return self.query(cursor=self.cursor.encode() if self.cursor else "")

    @property
    def query_of_any_name(self) -> str:
        """Without the orchestrator's id."""
        return self.query(orchestrator_run_id="")

    @property
    def first_query(self) -> str:
        """The newest of these runs."""
        return self.query()


def _connection_id(text: str) -> str:
    try:
        return str(UUID(text)) if text else ""
    except ValueError:
        return ""


def _cursor(text: str) -> Cursor | None:
    try:
        return Cursor.decode(text) if text else None
    except ValueError:
        return None


def _moment(text: str) -> str:
    """As a form shows it again; empty where it is no time that PostgreSQL could hold."""
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return ""
    return f"{moment:%Y-%m-%dT%H:%M}" if moment.year >= 1000 else ""


def _instant(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)
