"""Durations of runs, and their format in texts."""

from datetime import datetime, timedelta

from lineage.events.clocks import MOST_AHEAD, known_duration
from lineage.models import Job, Run, RunState


def run_duration(run: Run, *, now: datetime) -> timedelta | None:
    """Return how long the run took, or has been running. None if that is not known."""
    end = now if run.shown_state == RunState.RUNNING else run.shown_ended_at
    return known_duration(run.started_at, end)


def latest_run_duration(job: Job, *, now: datetime) -> timedelta | None:
    """Return how long the latest run took, or has been running. None if unknown."""
    end = now if job.latest_run_state == RunState.RUNNING else job.latest_run_ended_at
    return known_duration(job.latest_run_started_at, end)


def receipt_of_late_start(job: Job) -> datetime | None:
    """Return when the latest run's start was received, if it is too late to be believed; else None."""
    start, believed = job.latest_run_started_at, job.latest_run_at
    return believed - MOST_AHEAD if start is not None and believed is not None and believed < start else None


def format_duration(duration: timedelta) -> str:
    """Format as `340 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min` or `3 d 4 h`: two units at most."""
    seconds = duration.total_seconds()
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 60:
        # Cut, not rounded: 59.96 s is not "60.0 s".
        return f"{int(seconds * 10) / 10:.1f} s"
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next(index for index, (amount, _) in enumerate(parts) if amount)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2] if amount)
