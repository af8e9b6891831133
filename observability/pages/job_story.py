"""What is to be said of a job's state now, in words."""

from collections.abc import Sequence
from datetime import datetime

from lineage.models import Job, Run, RunState
from lineage.statistics import JobStatistics
from observability.pages.error_headline import error_headline
from observability.pages.job_rows import latest_run_duration
from observability.templatetags.observatory import duration

_IN_OTHER_STATES: dict[str, str] = {
    RunState.ABORTED: "The latest run was aborted{after}.",
    RunState.SKIPPED: "The latest run was skipped: it was not to run this time.",
    RunState.UPSTREAM_FAILED: "The latest run did not take place: what it depends on failed.",
    RunState.RETRIED: "The latest run failed{after}, and another try has begun.",
}
_UNKNOWN = "No event said how the latest run began or ended."


def story_of(job: Job, statistics: JobStatistics | None, recent: Sequence[Run], *, now: datetime) -> str:
    """A sentence or two. `recent`: the job's latest runs, newest first; maybe read a moment after the job."""
    if job.latest_run_id is None:
        return "It has not run yet: events described it, and none was about a run."
    match job.shown_state:
        case RunState.RUNNING:
            return _running(job, statistics, now)
        case RunState.FAILED:
            return _failed(job, recent, now)
        case RunState.COMPLETED:
            return _completed(job, statistics, now)
        case RunState.LOST:
            return _lost(job, recent, now)
        case state:
            return _IN_OTHER_STATES.get(state or "", _UNKNOWN).format(after=_after(job, now))


def _running(job: Job, statistics: JobStatistics | None, now: datetime) -> str:
    so_far = latest_run_duration(job, now=now)
    if so_far is None:
        return "It runs; when it started is not known."
    said = f"It has been running for {duration(so_far)}."
    if statistics is None or statistics.median is None or statistics.p95 is None:
        return said
    if so_far > statistics.p95:
        return f"{said} That is longer than 95 % of its runs took ({duration(statistics.p95)})."
    return f"{said} It usually takes {duration(statistics.median)}."


def _lost(job: Job, recent: Sequence[Run], now: datetime) -> str:
    latest = next((run for run in recent if run.id == job.latest_run_id), None)
    silence = f" for {duration(now - latest.last_event_at)}" if latest else ""
    return f"No end of the latest run was reported, and nothing was heard of it{silence}: it is taken for lost."


def _failed(job: Job, recent: Sequence[Run], now: datetime) -> str:
    outcomes = [run.shown_state for run in recent if run.shown_state != RunState.RETRIED]
    in_a_row = next((n for n, state in enumerate(outcomes) if state != RunState.FAILED), len(outcomes))
    latest = next((run for run in recent if run.id == job.latest_run_id), None)
    headline = error_headline(latest.error_message or "") if latest else ""
    said = f"The latest {in_a_row} runs failed, the last one" if in_a_row > 1 else "The latest run failed"
    return f"{said}{_after(job, now)}: {headline or 'its sender gave no reason'}"


def _completed(job: Job, statistics: JobStatistics | None, now: datetime) -> str:
    took = latest_run_duration(job, now=now)
    if took is None:
        return "The latest run completed; how long it took is not known."
    said = f"The latest run completed in {duration(took)}"
    if statistics is None or statistics.median is None or statistics.p95 is None or statistics.completed < 2:
        return f"{said}."
    if took > statistics.p95:
        return f"{said}, longer than 95 % of its runs ({duration(statistics.p95)})."
    return f"{said}; the median is {duration(statistics.median)}."


def _after(job: Job, now: datetime) -> str:
    took = latest_run_duration(job, now=now)
    return f" after {duration(took)}" if took is not None else ""
