"""Statistics of a job: success rate, durations and frequency. They use only its latest runs, so their cost does not
grow."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from lineage.jobs.tallies import Tally, median_seconds, stored_median_seconds, tally_runs
from lineage.models import Job

RECENT_RUNS = 200
# A median of fewer would only repeat them.
FEWEST_FOR_MEDIAN = 3
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class JobStatistics:
    """Statistics of the latest runs of a job, RECENT_RUNS at most, by the states that lists show.

    A try that was followed by another one is no failure: the last try decides. Durations are those of completed runs,
    because a run that fails at once would make the job look faster than it is.
    """

    runs: int
    # Runs that completed, failed or were aborted, and how many of them completed.
    ended: int
    completed: int
    failed: int
    # Tries that were followed by others; only `runs` includes them.
    retried: int
    oldest_at: datetime
    # None: no completed run has a known start and end.
    median: timedelta | None
    p95: timedelta | None

    @property
    def success_rate(self) -> float | None:
        """Share of ended runs that completed, from 0 to 1; None before the first run has ended."""
        return self.completed / self.ended if self.ended else None

    def runs_per_day(self, *, now: datetime) -> float:
        """Return the runs per day since the oldest of these runs, counting all tries of a task as one.

        A job younger than a day counts as one day old.
        """
        return (self.runs - self.retried) / max((now - self.oldest_at) / _DAY, 1.0)


def job_statistics(jobs: Iterable[Job], *, most_runs: int = RECENT_RUNS) -> dict[UUID, JobStatistics]:
    """Return job id → statistics, for jobs with runs. One query."""
    tallies = tally_runs([(job.connection_id, job.id) for job in jobs], most_runs=most_runs)
    return {tally.job_id: _statistics(tally) for tally in tallies}


def usual_durations(jobs: Iterable[tuple[UUID, UUID]]) -> dict[UUID, timedelta]:
    """Return job id → median duration of its latest runs that completed, by the runs' own events. Jobs (connection id,
    job id) with fewer than FEWEST_FOR_MEDIAN of them are left out. Two queries at most.

    `maintain` stores them each minute; those of jobs that it has not seen yet are computed.
    """
    keys = sorted(set(jobs))
    stored = stored_median_seconds(keys)
    new = [key for key in keys if key[1] not in stored]
    medians = stored | median_seconds(new, most_runs=RECENT_RUNS, fewest=FEWEST_FOR_MEDIAN)
    return {job_id: timedelta(seconds=seconds) for job_id, seconds in medians.items() if seconds is not None}


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
