"""Rows of a job table, and the rows inside others. The number of queries does not grow with the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from connections.models import Connection
from lineage.events.clocks import is_impossible
from lineage.jobs.statistics import usual_durations
from lineage.models import Job, Run, RunState
from lineage.overview.health import Health, health_of_jobs
from lineage.runs.durations import latest_run_duration, receipt_of_late_start
from lineage.runs.error_headline import error_details, error_headline
from web.components.integrations import other_integration
from web.components.lists import Choices
from web.components.pace import Pace

if TYPE_CHECKING:
    from lineage.models.job_queryset import InnerJobs

KINDS: dict[str, str] = dict(Job.Kind.choices)
RunKey = tuple[UUID, UUID]  # connection id, id
_NO_RUN = UUID(int=0)
# Of all unfolded jobs together.
MOST_INNER_ROWS = 300
DEEPEST = 3
# Jobs whose inner ones are shown: each takes its place in the URL.
MOST_OPEN = 20


@dataclass(frozen=True, slots=True)
class JobRow:
    job: Job
    connection: Connection
    kind: str
    # Kind of the job, and where it is: source system, connection and namespace, as far as they tell it from others.
    where: str
    # Of the latest run.
    pace: Pace
    error_message: str
    # The job inside that failed last, and its error.
    failing_inside: Job | None
    error_inside: str
    # Receipt of the latest run's last event, if its end cannot be true by the page's clock.
    end_received_at: datetime | None
    # None: no run in these days.
    health: Health | None
    # How far inside others it stands; 0 on top.
    depth: int
    # What folds under it; None: nothing, or the list does not fold.
    inner: InnerJobs | None
    is_open: bool
    # Of those inside, how many have no row though it is open.
    hidden: int
    # Where a click on what it contains leads.
    toggle_query: str

    @property
    def never_ran(self) -> bool:
        """True if the latest run certainly never ran. Else maybe only its START was not received."""
        state, began = self.job.latest_run_state, self.job.latest_run_started_at
        return began is None and state in (RunState.SKIPPED, RunState.UPSTREAM_FAILED)

    @property
    def received_at(self) -> datetime | None:
        """Receipt of the latest run's start, if that is too late to be believed."""
        return receipt_of_late_start(self.job)

    @property
    def error_headline(self) -> str:
        return error_headline(self.error_message)

    @property
    def reason_inside(self) -> str:
        """Reason why a job inside failed; empty if the error of the job itself is shown."""
        if self.error_message or not self.failing_inside:
            return ""
        name = self.failing_inside.name.removeprefix(f"{self.job.name}.")
        return f"{name}: {error_headline(self.error_inside) or 'failed without a message'}"

    @property
    def error_details(self) -> str:
        return error_details(self.error_message)


class JobRows:
    """Rows of the jobs on one page of a table, and of the jobs inside those that were opened."""

    def __init__(
        self,
        connections: Mapping[UUID, Connection],
        jobs: list[Job],
        choices: Choices,
        *,
        inside: Mapping[UUID, InnerJobs],
        shows_namespace: bool,
        now: datetime,
    ) -> None:
        """`inside`: job id → what folds under that job; empty if the table does not fold."""
        self._connections, self._choices, self._now = connections, choices, now
        self._shows_namespace = shows_namespace
        self._top, self._inner = jobs, inside
        self._opened = [UUID(id_) for id_ in choices["open"].split(",") if id_]
        self._inside = self._inner_rows() if inside and self._opened else {}
        shown = [*jobs, *(job for inner in self._inside.values() for job in inner)]
        self._failing_inside = self._failing_jobs_inside([job.id for job in shown])
        self._errors = self._error_messages([*shown, *self._failing_inside.values()])
        self._receipts = self._receipts_of_impossible_ends(shown)
        keys = [(job.connection_id, job.id) for job in shown if job.latest_run_id]
        self._medians = usual_durations(keys)
        self._health = health_of_jobs(keys, now=now)

    def rows(self) -> list[JobRow]:
        return [row for job in self._top for row in self._with_inner(job, 0)]

    def _with_inner(self, job: Job, depth: int) -> Iterator[JobRow]:
        inside = self._inside.get(job.id, []) if depth < DEEPEST else []
        yield self._row(job, depth, len(inside))
        for one in inside:
            yield from self._with_inner(one, depth + 1)

    def _row(self, job: Job, depth: int, rows_inside: int) -> JobRow:
        inner = self._inner.get(job.id)
        is_open = job.id in self._opened
        key = (job.connection_id, job.latest_run_id or _NO_RUN)
        return JobRow(
            job=job,
            connection=self._connections[job.connection_id],
            kind=KINDS.get(job.kind, job.kind),
            where=self._where(job),
            pace=self._pace(job),
            error_message=self._error(job),
            failing_inside=(failing := self._failing_inside.get(job.id)),
            error_inside=self._error(failing) if failing else "",
            end_received_at=self._receipts.get(key),
            health=self._health.get(job.id),
            depth=depth,
            inner=inner if depth < DEEPEST else None,
            is_open=is_open,
            hidden=max(0, inner.total - rows_inside) if inner and is_open else 0,
            toggle_query=self._toggle_query(job.id),
        )

    def _pace(self, job: Job) -> Pace:
        is_running = job.latest_run_state == RunState.RUNNING
        return Pace(latest_run_duration(job, now=self._now), self._medians.get(job.id), is_running)

    def _where(self, job: Job) -> str:
        connection = self._connections[job.connection_id]
        parts = [KINDS.get(job.kind, job.kind)]
        if integration := other_integration(job.integration, connection.type):
            parts.append(integration)
        if "connection" in self._choices.listing.names:
            parts.append(connection.name)
        if self._shows_namespace:
            parts.append(job.namespace)
        return " · ".join(parts)

    def _toggle_query(self, job_id: UUID) -> str:
        """The query that unfolds this job on its page, or folds it again."""
        others = [id_ for id_ in self._opened if id_ != job_id]
        opened = others if len(others) < len(self._opened) else [*others, job_id][-MOST_OPEN:]
        return self._choices.query(open=",".join(map(str, opened)), page=self._choices["page"])

    def _inner_rows(self) -> dict[UUID | None, list[Job]]:
        """Parent's id → the jobs inside, those that need attention first."""
        inside = (
            Job.objects.filter(connection_id__in=self._connections)
            .for_list("integration")
            .inside(self._opened)
            .needing_attention_first()
        )
        rows: dict[UUID | None, list[Job]] = {}
        for job in inside[:MOST_INNER_ROWS]:
            rows.setdefault(job.parent_job_id, []).append(job)
        return rows

    def _failing_jobs_inside(self, ids: list[UUID]) -> dict[UUID | None, Job]:
        """Job → the one inside it that failed last, for jobs on this page that contain any."""
        parents = [id_ for id_ in ids if id_ in self._inner and self._inner[id_].failing]
        if not parents:
            return {}
        jobs = Job.objects.filter(connection_id__in=self._connections).for_list().inside(parents)
        failing = jobs.in_state(RunState.FAILED).order_by("parent_job_id", "-latest_run_at", "id")
        return {job.parent_job_id: job for job in failing.distinct("parent_job_id")}

    def _error(self, job: Job) -> str:
        is_failed = job.latest_run_id is not None and job.latest_run_state == RunState.FAILED
        return self._errors.get((job.connection_id, job.latest_run_id or _NO_RUN), "") if is_failed else ""

    def _error_messages(self, jobs: list[Job]) -> Mapping[RunKey, str]:
        """(connection id, id) of the latest runs that failed → their error messages."""
        failed = [
            (job.connection_id, job.latest_run_id)
            for job in jobs
            if job.latest_run_id and job.latest_run_state == RunState.FAILED
        ]
        return Run.objects.error_messages(failed) if failed else {}

    def _receipts_of_impossible_ends(self, jobs: list[Job]) -> Mapping[RunKey, datetime | None]:
        """(connection id, id) → receipt of its last event, for the few runs whose end is far from the page's clock."""
        ends = {(job.connection_id, job.latest_run_id): job.latest_run_ended_at for job in jobs if job.latest_run_id}
        odd = [key for key, at in ends.items() if at is not None and is_impossible(at, self._now)]
        return Run.objects.last_receipts(odd) if odd else {}
