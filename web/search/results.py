"""What a search found, as the list below the field and the page of results show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.urls import reverse

from connections.kinds import kind_of
from lineage.database.keyset import Cursor, KeysetPage
from lineage.models import Job, Run
from lineage.search.search import Search
from web.runs.choices import RunChoices
from web.templatetags.observatory import relative

if TYPE_CHECKING:
    from connections.models import Connection

# Of each sort in the list below the field, and on the page of results.
MOST_LISTED = 8
MOST_SHOWN = 50
KIND_ICONS = {
    Job.Kind.DAG: "hierarchy-2",
    Job.Kind.TASK: "list-check",
    Job.Kind.MODEL: "box",
    Job.Kind.TEST: "shield-lock",
    Job.Kind.SNAPSHOT: "copy",
    Job.Kind.SEED: "database",
    Job.Kind.SQL: "file-code",
    Job.Kind.APPLICATION: "terminal-2",
    Job.Kind.JOB: "activity-heartbeat",
}


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found, with what tells it apart from others of its name."""

    id: str
    url: str
    icon: str
    name: str
    # What it is, and where: `Task · Shop production · default`.
    details: str
    # Of the run, or of the job's latest run; None: it never ran. Empty: it has none.
    state: str | None
    # When that took place, by itself and in words; the words are empty where it is not known.
    at: datetime | None
    when: str


@dataclass(frozen=True)
class SearchResults:
    """`cursor`: where the page of jobs begins; what else was found stands on the first page alone."""

    search: Search
    now: datetime
    most: int
    cursor: Cursor | None = None

    @cached_property
    def connections(self) -> list[Hit]:
        if self.cursor or not self.search.text:
            return []
        return [_connection_hit(connection) for connection in self.search.connections(self.most)]

    @cached_property
    def jobs(self) -> list[Hit]:
        visible = self.search.visible
        return [_job_hit(job, visible[job.connection_id], self.now) for job in self._page.rows]

    @cached_property
    def runs(self) -> list[Hit]:
        visible, text = self.search.visible, self.search.text
        return [_run_hit(run, visible[run.connection_id], text, self.now) for run in self._runs]

    @property
    def all_runs_query(self) -> str:
        """The query of the Runs page for all runs that their orchestrators call so, where more may be than are listed
        here; else empty."""
        if len(self._runs) < self.most or self._runs[-1].orchestrator_run_id != self.search.text:
            return ""
        return RunChoices(orchestrator_run_id=self.search.text).query()

    @property
    def are_none(self) -> bool:
        return not (self.connections or self.jobs or self.runs)

    @property
    def summary(self) -> str:
        """Said to those who cannot see the list: `2 connections, 8 jobs`."""
        if self.are_none:
            return "Nothing found"
        found = (("connection", self.connections), ("job", self.jobs), ("run", self.runs))
        return ", ".join(f"{len(hits)} {sort}{'' if len(hits) == 1 else 's'}" for sort, hits in found if hits)

    @property
    def query(self) -> str:
        """The URL's query of the first page."""
        return self._query(None)

    @property
    def previous_query(self) -> str:
        page = self._page
        return self._query(page.previous) if page.has_previous and page.previous else ""

    @property
    def next_query(self) -> str:
        page = self._page
        return self._query(page.next) if page.has_next and page.next else ""

    @cached_property
    def _runs(self) -> list[Run]:
        return [] if self.cursor else self.search.runs(self.most)

    @cached_property
    def _page(self) -> KeysetPage:
        try:
            return self.search.page_of_jobs(self.cursor, self.most)
        except ValueError:
            # A cursor of another list: as if it were not there.
            return self.search.page_of_jobs(None, self.most)

    def _query(self, cursor: Cursor | None) -> str:
        chosen = {"q": self.search.text, "near": self.search.near, "cursor": cursor and cursor.encode()}
        return f"?{urlencode({name: value for name, value in chosen.items() if value})}"


def _connection_hit(connection: Connection) -> Hit:
    return Hit(
        id=str(connection.pk),
        url=reverse("connection_overview", args=[connection.pk]),
        icon=kind_of(connection.type).icon,
        name=connection.name,
        details=connection.get_type_display(),
        state="",
        at=None,
        when="",
    )


def _job_hit(job: Job, connection: Connection, now: datetime) -> Hit:
    return Hit(
        id=str(job.id),
        url=reverse("job", args=[job.connection_id, job.id]),
        icon=_icon(job),
        name=job.name,
        details=f"{job.get_kind_display()} · {connection.name} · {job.namespace}",
        state=job.latest_run_state,
        at=job.latest_run_at,
        when=_when(job.latest_run_at, now),
    )


def _run_hit(run: Run, connection: Connection, text: str, now: datetime) -> Hit:
    # As it was looked for.
    name = text if run.orchestrator_run_id == text else run.external_id or run.id
    return Hit(
        # Two connections may hold runs with one id.
        id=f"{run.connection_id}-{run.id}",
        url=reverse("run", args=[run.connection_id, run.id]),
        icon="history",
        name=run.job.name,
        details=f"Run {name} · {connection.name} · {run.job.namespace}",
        state=run.shown_state,
        at=run.run_at,
        when=_when(run.run_at, now),
    )


def _icon(job: Job) -> str:
    return KIND_ICONS[Job.Kind(job.kind)]


def _when(at: datetime | None, now: datetime) -> str:
    return relative(at, now=now) if at else ""
