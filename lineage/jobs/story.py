"""Description of a job's present state as a text."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Prefetch

from connections.querysets import Reader
from lineage.events.contents import RunContents
from lineage.events.senders import ERROR_CODES, words_of
from lineage.jobs.statistics import JobStatistics
from lineage.models import Job, Run, RunState
from lineage.runs.durations import format_duration, latest_run_duration
from lineage.runs.error_headline import as_sentence, error_headline
from lineage.runs.facets_of_run import read_run
from lineage.runs.reasons import (
    Cause,
    Sentence,
    failed_before,
    failed_in,
    is_reason_unread,
    reasons_of,
    said_by_events,
)

# Number of runs that are read: nobody needs the exact length of a longer row of failures.
MOST_RECENT_RUNS = 100
# Texts for states that need reasons from other runs.
_OPEN: dict[str, str] = {
    RunState.SKIPPED: "The latest run was skipped.",
    RunState.UPSTREAM_FAILED: "The latest run failed upstream.",
    RunState.LOST: "The latest run is lost.",
}
_IN_OTHER_STATES: dict[str, str] = {
    **_OPEN,
    RunState.ABORTED: "The latest run was aborted{after}.",
    RunState.RETRIED: "The latest run failed{after}, and another try has begun.",
}
_UNKNOWN = "No event said how the latest run began or ended."
_RENAMED = "{sender} gave this job another name while it ran, and lists show its runs under that name."
_ELSEWHERE = (
    "{sender} sent the tests of a command one by one, and again as runs of this job. Lists show the single tests."
)


# Columns of runs that the page of a job does not show.
_NOT_READ = (
    *("edge_ids", "nominal_start_at", "nominal_end_at", "external_query_id"),
    *("root_run_id", "root_job_namespace", "root_job_name", "joined_in"),
)


@dataclass(frozen=True, slots=True)
class Story:
    # A sentence or two.
    text: str
    # Reasons that come from other runs.
    reasons: Sequence[Sentence]
    # True: runs of other jobs are shown instead of all its own runs.
    is_elsewhere: bool


def recent_runs(job: Job) -> list[Run]:
    """Read the latest shown runs, MOST_RECENT_RUNS at most, the newest first."""
    runs = Run.objects.shown().filter(connection_id=job.connection_id, job_id=job.id)
    return list(runs.order_by("-run_at", "-id").for_page(*_NOT_READ)[:MOST_RECENT_RUNS])


def story_of(
    job: Job, statistics: JobStatistics | None, recent: Sequence[Run], reader: Reader, *, now: datetime
) -> Story:
    """Describe the job's state. `recent`: the result of `recent_runs`, which may be a moment newer than the job.

    A few queries if the job never ran or its latest run did not go well; else none.
    """
    if job.latest_run_id is None and not _is_listed(job):
        if renamed := _shown_under_another_name(job):
            return Story(_RENAMED.format(sender=words_of(job.integration).name), [renamed], is_elsewhere=True)
        return Story(_ELSEWHERE.format(sender=words_of(job.integration).name), (), is_elsewhere=True)
    reasons = _reasons(job, recent, reader)
    return Story(_text(job, statistics, recent, now, explained=bool(reasons)), reasons, is_elsewhere=False)


def _is_listed(job: Job) -> bool:
    return Job.objects.shown().filter(connection_id=job.connection_id, id=job.id).exists()


def _shown_under_another_name(job: Job) -> Sentence | None:
    """Name the latest run of the job that is shown as a run of another one. One query; two if there is one."""
    ours = Run.objects.filter(connection_id=job.connection_id, job_id=job.id, joined_in__isnull=False)
    joined = ours.order_by("-run_at", "-id").values("joined_in")[:1]
    shown = Run.objects.filter(connection_id=job.connection_id, id__in=joined).for_list()
    run = shown.prefetch_related(Prefetch("job", Job.objects.filter(connection_id=job.connection_id))).first()
    return None if run is None else Sentence("The latest run is shown as a run of ", [Cause(run, run.job.name)], ".")


def _text(job: Job, statistics: JobStatistics | None, recent: Sequence[Run], now: datetime, *, explained: bool) -> str:
    if job.latest_run_id is None:
        return "It has not run yet: events described the job, but none was about a run."
    match job.latest_run_state:
        case RunState.RUNNING:
            return _running(job, statistics, now)
        case RunState.FAILED:
            return _failed(job, recent, now, explained=explained)
        case RunState.COMPLETED:
            return _completed(job, statistics, now)
        case state:
            return _IN_OTHER_STATES.get(state or "", _UNKNOWN).format(after=_after(job, now))


def _reasons(job: Job, recent: Sequence[Run], reader: Reader) -> list[Sentence]:
    """Return the reasons that the text leaves open: other runs that are causes."""
    latest = _latest(job, recent)
    if latest is None:
        return []
    latest.job = job
    if latest.shown_state in _OPEN:
        return reasons_of(latest, RunContents(), reader)
    message = latest.error_message or ""
    if latest.shown_state != RunState.FAILED or (message and message not in ERROR_CODES):
        return []
    if failed := failed_before(latest) or failed_in(latest, reader):
        return [failed]
    # A code is explained by its words already.
    return [] if message else _said_by_events(latest)


def _said_by_events(run: Run) -> list[Sentence]:
    contents = read_run(run).contents
    if said := said_by_events(contents):
        return [said]
    return [Sentence("Not all that its events say could be read.")] if is_reason_unread(contents) else []


def _running(job: Job, statistics: JobStatistics | None, now: datetime) -> str:
    so_far = latest_run_duration(job, now=now)
    if so_far is None:
        return "It is running; its start is not known."
    text = f"It has been running for {format_duration(so_far)}."
    if statistics is None or statistics.median is None or statistics.p95 is None:
        return text
    if so_far > statistics.p95:
        return f"{text} That is longer than 95 % of its runs took ({format_duration(statistics.p95)})."
    return f"{text} It usually takes {format_duration(statistics.median)}."


def _failed(job: Job, recent: Sequence[Run], now: datetime, *, explained: bool) -> str:
    """Describe a failure. `explained`: other sentences name the cause."""
    in_a_row = _failed_in_a_row(recent)
    latest = _latest(job, recent)
    headline = error_headline(latest.error_message or "") if latest else ""
    text = f"The latest {in_a_row} runs failed, the last one" if in_a_row > 1 else "The latest run failed"
    if not headline and explained:
        return f"{text}{_after(job, now)}."
    return f"{text}{_after(job, now)}: {as_sentence(headline or 'its sender gave no reason')}"


def _failed_in_a_row(recent: Sequence[Run]) -> int:
    """Count the latest failures without another state between them.

    The instances of a mapped task in one DAG run count as one run, which failed if any instance did.
    """
    failed: dict[UUID | None, bool] = {}
    for run in recent:
        if run.shown_state != RunState.RETRIED:
            key = run.id if run.map_index is None else run.parent_run_id or run.run_id
            failed[key] = failed.get(key, False) or run.shown_state == RunState.FAILED
    return next((n for n, has_failed in enumerate(failed.values()) if not has_failed), len(failed))


def _completed(job: Job, statistics: JobStatistics | None, now: datetime) -> str:
    took = latest_run_duration(job, now=now)
    if took is None:
        return "The latest run completed; its duration is not known."
    text = f"The latest run completed in {format_duration(took)}"
    if statistics is None or statistics.median is None or statistics.p95 is None or statistics.completed < 2:
        return f"{text}."
    if took > statistics.p95:
        return f"{text}, longer than 95 % of its runs ({format_duration(statistics.p95)})."
    return f"{text}; the median is {format_duration(statistics.median)}."


def _latest(job: Job, recent: Sequence[Run]) -> Run | None:
    return next((run for run in recent if run.id == job.latest_run_id), None)


def _after(job: Job, now: datetime) -> str:
    took = latest_run_duration(job, now=now)
    return f" after {format_duration(took)}" if took is not None else ""
