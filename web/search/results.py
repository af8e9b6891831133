"""Results of a search, for the list below the field and for the page of results."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.text import slugify
from django_filters import FilterSet, UUIDFilter

from connections.kinds import kind_of
from lineage.database import filters
from lineage.database.keyset import Cursor
from lineage.datasets.names import shown_name
from lineage.models import Job, Run
from lineage.search.columns import FoundColumn, FoundDataset
from lineage.search.query import LONGEST_SEARCH, NEAREST_FIRST, Search
from web.components.density import DENSITY
from web.components.integrations import other_integration
from web.components.lists import Choices, Listing, Places, keyset_places
from web.components.values import place_in
from web.runs.table import RUNS
from web.templatetags.observatory import dataset_url, relative, run_url

if TYPE_CHECKING:
    from connections.models import Connection
    from connections.querysets import Reader

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


class SearchFilter(FilterSet):
    """Text and place of a search, which itself filters."""

    q = filters.text("Beginnings of words of a name, or an id of a run.", max_length=LONGEST_SEARCH)
    near = UUIDFilter(error_messages={"invalid": "Not a UUID."})


SEARCH = Listing(
    SearchFilter, {"q": "q", "near": "near"}, kept={"cursor": place_in(NEAREST_FIRST), **DENSITY}, place="cursor"
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A connection, job or run that was found, with details that distinguish it from others of its name."""

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


@dataclass(frozen=True, slots=True)
class SearchResults:
    """A page of the jobs that a search found; what else it found stands on the first page alone.

    `all_runs_query`: the Runs page's query for all runs that their orchestrators call so, where more may be than are
    listed here; else empty.
    """

    search: Search
    choices: Choices
    places: Places
    connections: list[Hit]
    jobs: list[Hit]
    runs: list[Hit]
    datasets: list[Hit]
    columns: list[Hit]
    all_runs_query: str

    @property
    def are_none(self) -> bool:
        return not (self.connections or self.jobs or self.runs or self.datasets or self.columns)

    @property
    def summary(self) -> str:
        """A summary for screen readers: `2 connections, 8 jobs`."""
        if self.are_none:
            return "Nothing found"
        found = (
            *(("connection", self.connections), ("job", self.jobs), ("run", self.runs)),
            *(("dataset", self.datasets), ("column", self.columns)),
        )
        return ", ".join(f"{len(hits)} {sort}{'' if len(hits) == 1 else 's'}" for sort, hits in found if hits)


def read_results(choices: Choices, reader: Reader, *, most: int, now: datetime) -> SearchResults:
    """Read the chosen page of jobs, and on the first page all else that is found; `most` of each. Without any result if
    a value of the URL is wrong."""
    search = Search.read("" if choices.errors else choices["q"], reader, choices["near"])
    cursor = Cursor.decode(choices["cursor"]) if choices["cursor"] else None
    visible, text = search.visible, search.text
    page = search.page_of_jobs(cursor, most)
    connections = [] if cursor or not text else search.connections(most)
    runs = [] if cursor else search.runs(most)
    datasets, columns = ([], []) if cursor else search.datasets_and_columns(most)
    return SearchResults(
        search=search,
        choices=choices,
        places=keyset_places(choices, page),
        connections=[_connection_hit(connection) for connection in connections],
        jobs=[_job_hit(job, visible[job.connection_id], now) for job in page.rows],
        runs=[_run_hit(run, visible[run.connection_id], text, now) for run in runs],
        datasets=[_dataset_hit(dataset) for dataset in datasets],
        columns=[_column_hit(column) for column in columns],
        all_runs_query=_all_runs_query(runs, text, most),
    )


def _all_runs_query(runs: list[Run], text: str, most: int) -> str:
    if len(runs) < most or runs[-1].orchestrator_run_id != text:
        return ""
    return RUNS.query({"orchestrator_run_id": text})


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
    integration = other_integration(job.integration, connection.type)
    parts = (job.get_kind_display(), integration, connection.name, job.namespace)
    return Hit(
        id=str(job.id),
        url=reverse("job", args=[job.connection_id, job.id]),
        icon=_icon(job),
        name=job.name,
        details=" · ".join(part for part in parts if part),
        state=job.latest_run_state,
        at=job.latest_run_at,
        when=_when(job.latest_run_at, now),
    )


def _run_hit(run: Run, connection: Connection, text: str, now: datetime) -> Hit:
    # As it was looked for.
    name = text if run.orchestrator_run_id == text else run.external_id or run.run_id
    return Hit(
        # Two connections may hold runs with one id.
        id=f"{run.connection_id}-{run.id}",
        url=run_url(run),
        icon="history",
        name=run.job.name,
        details=f"Run {name} · {connection.name} · {run.job.namespace}",
        state=run.shown_state,
        at=run.run_at,
        when=_when(run.run_at, now),
    )


def _dataset_hit(dataset: FoundDataset) -> Hit:
    return Hit(
        id=str(dataset.id),
        url=dataset_url(dataset.id),
        icon="database",
        name=shown_name(dataset.name),
        details=f"Dataset · {dataset.namespace}",
        state="",
        at=None,
        when="",
    )


def _column_hit(column: FoundColumn) -> Hit:
    of = column.dataset
    return Hit(
        id=f"{of.id}-{slugify(column.path, allow_unicode=True)}",
        url=f"{dataset_url(of.id)}?all=columns#columns",
        icon="stack-2",
        name=column.path,
        details=f"Column of {shown_name(of.name)}{f', {column.type}' if column.type else ''} · {of.namespace}",
        state="",
        at=None,
        when="",
    )


def _icon(job: Job) -> str:
    return KIND_ICONS[Job.Kind(job.kind)]


def _when(at: datetime | None, now: datetime) -> str:
    return relative(at, now=now) if at else ""
