"""How a job usually goes: how often it succeeds, how long it takes, how often it runs. From its latest runs alone,
so that what it costs does not grow with what is kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from lineage.jobs.tallies import Tally, median_seconds, tally_runs
from lineage.models import Job

RECENT_RUNS = 200
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class JobStatistics:
    """Of the latest runs of a job, RECENT_RUNS at most, in the states that lists show. A try that another one followed
    is no failure: what became of the task, its last try says.

    Durations are those of completed runs: one that fails at once would make the job look faster than it is.
    """

    runs: int
    # Those that came to an end of their own or were ended, and how many of these completed.
    ended: int
    completed: int
    failed: int
    # Tries that were followed by others; they are among `runs` alone.
    retried: int
    oldest_at: datetime
    # None: of no completed run both ends are known.
    median: timedelta | None
    p95: timedelta | None

    @property
    def success_rate(self) -> float | None:
        """From 0 to 1; None before the first run has ended."""
        return self.completed / self.ended if self.ended else None

    def runs_per_day(self, *, now: datetime) -> float:
        """From the oldest of these runs until now, all tries of one as one. A job that is younger than a day is taken
        to be a day old."""
        return (self.runs - self.retried) / max((now - self.oldest_at) / _DAY, 1.0)


def job_statistics(jobs: Iterable[Job], *, most_runs: int = RECENT_RUNS) -> dict[UUID, JobStatistics]:
    """Job id → statistics, of those jobs that ever ran. One query, however many jobs there are."""
    tallies = tally_runs([(job.connection_id, job.id) for job in jobs], most_runs=most_runs)
    return {tally.job_id: _statistics(tally) for tally in tallies}


def median_durations(jobs: Iterable[Job], *, fewest: int) -> dict[UUID, timedelta]:
    """Job id → the median of as many or more completed runs, by what these say of themselves. One query."""
    keys = [(job.connection_id, job.id) for job in jobs]
    medians = median_seconds(keys, most_runs=RECENT_RUNS, fewest=fewest)
    return {job_id: timedelta(seconds=seconds) for job_id, seconds in medians.items()}


def _statistics(tally: Tally) -> JobStatistics:
    return JobStatistics(
        runs=tally.runs,
        ended=tally.completed + tally.failed + tally.aborted,
        completed=tally.completed,
        failed=tally.failed,
        retried=tally.retried,
        oldest_at=tally.oldest_at,
        median=_duration(tally.median),
        p95=_duration(tally.p95),
    )


def _duration(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
