"""The page of a job: how it is now, how it went, what it reads, writes and contains."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_safe

from connections.models import Connection
from connections.querysets import Reader
from lineage.events.links import Link
from lineage.jobs.dependencies import Dependencies, dependencies_of
from lineage.jobs.hierarchy import ChildJob, JobHierarchy, hierarchy_of
from lineage.jobs.job_datasets import JobDataset, JobDatasets, datasets_of_job
from lineage.jobs.links import links_of_latest_run
from lineage.jobs.statistics import FEWEST_FOR_MEDIAN, JobStatistics, job_statistics
from lineage.jobs.story import Story, recent_runs, story_of
from lineage.models import Dataset, Job, RunState
from lineage.overview.health import Health, health_of_jobs
from lineage.runs.durations import run_duration
from lineage.runs.times import local
from web.components.charts.durations import DurationChart, Point, duration_chart
from web.components.density import density_of, remember_density
from web.components.lineage_strip import LineageStrip, read_strip
from web.components.lists import Choices, refuse_wrong_values
from web.components.pace import Pace
from web.components.rendering import render_page
from web.components.values import one_of
from web.jobs.grid import ALL, FAILING, GridTable, read_grid
from web.runs.table import KINDS, RUNS_OF_JOB, RunRow, RunTable, read_run_table
from web.templatetags.observatory import duration, exact_words, run_url

RUNS_IN_NARROW_CHART = 30
CHILDREN_SHOWN = 50
JOB_PAGE = replace(RUNS_OF_JOB, kept={**RUNS_OF_JOB.kept, "grid": one_of((FAILING, ALL))})


@dataclass(frozen=True, slots=True)
class JobPage:
    job: Job
    kind: str
    story: Story
    # To the sender's pages of the latest run.
    links: Sequence[Link]
    statistics: JobStatistics | None
    health: Health | None
    runs_per_day: float | None
    recent: list[RunRow]
    # For wide windows and for narrow ones.
    charts: list[tuple[str, DurationChart]]
    table: RunTable
    datasets: JobDatasets
    strip: LineageStrip
    dependencies: Dependencies
    family: JobHierarchy
    # None: its latest runs started no other job.
    grid: GridTable | None

    @property
    def success_percent(self) -> str:
        """The percentage of successful runs, cut, not rounded: 100 % are all. Empty before a run has ended."""
        rate = self.statistics.success_rate if self.statistics else None
        return "" if rate is None else f"{int(rate * 1000) / 10:g}"

    @property
    def children_shown(self) -> list[ChildJob]:
        return self.family.children[:CHILDREN_SHOWN]

    @property
    def legend(self) -> list[tuple[str, str]]:
        """The states that occur in the chart."""
        found = {row.run.shown_state for row in self.recent}
        return [(state.lower(), label) for state, label in RunState.choices if state in found]


def read_job_page(connection: Connection, job: Job, choices: Choices, reader: Reader, *, now: datetime) -> JobPage:
    statistics = job_statistics([job]).get(job.id)
    recent = recent_runs(job)
    rows = [RunRow(run, connection, Pace(run_duration(run, now=now), None)) for run in recent]
    datasets = datasets_of_job(job)
    family = hierarchy_of(job, [run.run_id for run in recent], reader)
    median = statistics.median if statistics else None
    return JobPage(
        job=job,
        kind=KINDS.get(job.kind, job.kind),
        story=story_of(job, statistics, recent, reader, now=now),
        links=links_of_latest_run(job, recent),
        statistics=statistics,
        health=health_of_jobs([(job.connection_id, job.id)], now=now).get(job.id),
        runs_per_day=statistics.runs_per_day(now=now) if statistics else None,
        recent=rows,
        charts=_charts(rows, statistics),
        table=read_run_table(
            choices, reader, now=now, job=job, counted=bool(recent), medians=_medians(job, statistics)
        ),
        datasets=datasets,
        strip=read_strip(job.id, _current(datasets.reads), _current(datasets.writes), reader, node=f"job:{job.id}"),
        dependencies=dependencies_of(job),
        family=family,
        grid=read_grid(job, recent, family, choices, median=median, now=now),
    )


def _medians(job: Job, statistics: JobStatistics | None) -> dict[UUID, timedelta]:
    """Return the usual duration of the job by its id, unless too few runs completed."""
    if statistics is None or statistics.median is None or statistics.completed < FEWEST_FOR_MEDIAN:
        return {}
    return {job.id: statistics.median}


def _current(touched: Sequence[JobDataset]) -> list[Dataset]:
    """Return the datasets of the latest run that named any; of both sides one may have none of these."""
    return [one.dataset for one in touched if one.is_current]


@require_safe
@login_required
def job(request: HttpRequest, connection_id: UUID, job_id: UUID) -> HttpResponse:
    connection = get_object_or_404(Connection.objects.visible(request.user).only("name", "type"), pk=connection_id)
    found: Job = get_object_or_404(Job.objects.of(connection).for_page(), id=job_id)
    found.connection = connection
    now = timezone.now()
    choices = JOB_PAGE.read(request)
    page = read_job_page(connection, found, choices, request.user, now=now)
    context = {
        "connection": connection,
        "job": found,
        "page": page,
        "table": page.table,
        "density": density_of(choices, request),
        "now": now,
    }
    response = refuse_wrong_values(render_page(request, "jobs/job.html", context, region="job"), choices)
    return remember_density(request, response, choices)


def _charts(rows: list[RunRow], statistics: JobStatistics | None) -> list[tuple[str, DurationChart]]:
    median, p95 = (statistics.median, statistics.p95) if statistics else (None, None)
    points = [_point(row) for row in rows]
    narrow = points[:RUNS_IN_NARROW_CHART]
    made = (
        ("wide", duration_chart(points, median=median, p95=p95, width=960, height=220, most_times=8)),
        ("narrow", duration_chart(narrow, median=median, p95=p95, width=340, height=200, most_times=3)),
    )
    return [(name, chart) for name, chart in made if chart]


def _point(row: RunRow) -> Point:
    run = row.run
    return Point(local(run.run_at), row.pace.duration, run.shown_state, _title(row), run_url(run))


def _title(row: RunRow) -> str:
    return f"{RunState(row.run.shown_state).label}, {_took(row)}, {exact_words(row.run.run_at)}"


def _took(row: RunRow) -> str:
    return "duration unknown" if row.pace.duration is None else duration(row.pace.duration)
