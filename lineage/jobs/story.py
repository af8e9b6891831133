"""What is to be said of a job's state now, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from lineage.events.contents import RunContents
from lineage.events.senders import ERROR_CODES, words_of
from lineage.jobs.statistics import JobStatistics
from lineage.models import Job, Run, RunState
from lineage.runs.durations import in_words, latest_run_duration
from lineage.runs.error_headline import as_sentence, error_headline
from lineage.runs.reasons import Sentence, failed_before, failed_in, reasons_of

# The latest runs that it is told of: longer rows of failures are longer than anybody counts.
RUNS_TOLD_OF = 100
# Of what they leave open the reasons tell.
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
_ELSEWHERE = "{sender} sent the tests of a command one by one, and again as runs of this job. Lists show the former."


@dataclass(frozen=True, slots=True)
class Story:
    # A sentence or two.
    text: str
    # Why it is so, where other runs tell it.
    reasons: Sequence[Sentence]
    # Whether other jobs' runs stand for all of its own.
    is_elsewhere: bool


def recent_runs(job: Job) -> list[Run]:
    """The latest of those that lists show, RUNS_TOLD_OF at most, the newest first."""
    runs = Run.objects.shown().filter(connection_id=job.connection_id, job_id=job.id)
    return list(runs.order_by("-run_at", "-id").defer("edge_ids")[:RUNS_TOLD_OF])


def story_of(job: Job, statistics: JobStatistics | None, recent: Sequence[Run], *, now: datetime) -> Story:
    """`recent`: what `recent_runs` gives; maybe read a moment after the job, which has its `shown_state`. A few queries
    where the job never ran, or its latest run did not go well; else none."""
    if job.latest_run_id is None and not _is_listed(job):
        return Story(_ELSEWHERE.format(sender=words_of(job.integration).name), (), is_elsewhere=True)
    reasons = _reasons(job, recent)
    return Story(_text(job, statistics, recent, now, explained=bool(reasons)), reasons, is_elsewhere=False)


def _is_listed(job: Job) -> bool:
    return Job.objects.shown().filter(connection_id=job.connection_id, id=job.id).exists()


def _text(job: Job, statistics: JobStatistics | None, recent: Sequence[Run], now: datetime, *, explained: bool) -> str:
    if job.latest_run_id is None:
        return "It has not run yet: events described it, and none was about a run."
    match job.latest_run_state:
        case RunState.RUNNING:
            return _running(job, statistics, now)
        case RunState.FAILED:
            return _failed(job, recent, now, explained=explained)
        case RunState.COMPLETED:
            return _completed(job, statistics, now)
        case state:
            return _IN_OTHER_STATES.get(state or "", _UNKNOWN).format(after=_after(job, now))


def _reasons(job: Job, recent: Sequence[Run]) -> list[Sentence]:
    """What the text leaves open: which other runs are the cause."""
    latest = _latest(job, recent)
    if latest is None:
        return []
    latest.job = job
    if latest.shown_state in _OPEN:
        return reasons_of(latest, RunContents())
    message = latest.error_message or ""
    if latest.shown_state != RunState.FAILED or (message and message not in ERROR_CODES):
        return []
    failed = failed_before(latest) or failed_in(latest)
    return [failed] if failed else []


def _running(job: Job, statistics: JobStatistics | None, now: datetime) -> str:
    so_far = latest_run_duration(job, now=now)
    if so_far is None:
        return "It runs; when it started is not known."
    said = f"It has been running for {in_words(so_far)}."
    if statistics is None or statistics.median is None or statistics.p95 is None:
        return said
    if so_far > statistics.p95:
        return f"{said} That is longer than 95 % of its runs took ({in_words(statistics.p95)})."
    return f"{said} It usually takes {in_words(statistics.median)}."


def _failed(job: Job, recent: Sequence[Run], now: datetime, *, explained: bool) -> str:
    """`explained`: whether other runs tell why, in sentences of their own."""
    in_a_row = _failed_in_a_row(recent)
    latest = _latest(job, recent)
    headline = error_headline(latest.error_message or "") if latest else ""
    said = f"The latest {in_a_row} runs failed, the last one" if in_a_row > 1 else "The latest run failed"
    if not headline and explained:
        return f"{said}{_after(job, now)}."
    return f"{said}{_after(job, now)}: {as_sentence(headline or 'its sender gave no reason')}"


def _failed_in_a_row(recent: Sequence[Run]) -> int:
    """How many of the latest failed, with no other between them. The instances of a mapped task in one DAG run are one,
    and it failed with any of them."""
    failed: dict[UUID | None, bool] = {}
    for run in recent:
        if run.shown_state != RunState.RETRIED:
            key = run.id if run.map_index is None else run.parent_run_id
            failed[key] = failed.get(key, False) or run.shown_state == RunState.FAILED
    return next((n for n, has_failed in enumerate(failed.values()) if not has_failed), len(failed))


def _completed(job: Job, statistics: JobStatistics | None, now: datetime) -> str:
    took = latest_run_duration(job, now=now)
    if took is None:
        return "The latest run completed; how long it took is not known."
    said = f"The latest run completed in {in_words(took)}"
    if statistics is None or statistics.median is None or statistics.p95 is None or statistics.completed < 2:
        return f"{said}."
    if took > statistics.p95:
        return f"{said}, longer than 95 % of its runs ({in_words(statistics.p95)})."
    return f"{said}; the median is {in_words(statistics.median)}."


def _latest(job: Job, recent: Sequence[Run]) -> Run | None:
    return next((run for run in recent if run.id == job.latest_run_id), None)


def _after(job: Job, now: datetime) -> str:
    took = latest_run_duration(job, now=now)
    return f" after {in_words(took)}" if took is not None else ""
