"""How long a run took, or runs already, and how that is said."""

from datetime import datetime, timedelta

from lineage.models import Job, RunState


def latest_run_duration(job: Job, *, now: datetime) -> timedelta | None:
    """How long the latest run took, or runs already; None where that is not known."""
    end = now if job.latest_run_state == RunState.RUNNING else job.latest_run_ended_at
    if job.latest_run_started_at is None or end is None or end < job.latest_run_started_at:
        return None
    return end - job.latest_run_started_at


def in_words(duration: timedelta) -> str:
    """`340 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`: two units at most."""
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
