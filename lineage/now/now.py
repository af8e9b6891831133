"""All problems of this moment, over the connections that a reader sees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from connections.models import Connection
from connections.querysets import Reader
from lineage.events.clocks import known_duration
from lineage.jobs.statistics import usual_durations
from lineage.now.downstream import Downstream, read_downstream
from lineage.now.histories import PastRun, Recovery, Streak, recovery_of, streak_of
from lineage.now.problems import Cause, ProblemKind, ProblemRun, causes
from lineage.now.reading import (
    HalfHour,
    Key,
    RecoveredJob,
    read_failing,
    read_half_hours,
    read_histories,
    read_recovered,
    read_running,
)
from lineage.now.senders import ConnectionProblem, Sender, connection_problems, read_senders
from lineage.runs.pace import is_slow

# Runs of a strip; and those that are searched for the beginning of a streak that is longer.
RUNS_IN_STRIP: Final = 14
_DEEP: Final = 200
DAY: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class RunningRun:
    """Running run. `elapsed`: None if its start cannot be true. `median`: None if too few runs of its job completed."""

    run: ProblemRun
    elapsed: timedelta | None
    median: timedelta | None

    @property
    def ratio(self) -> float | None:
        """Return how many times its median it has been running."""
        if self.elapsed is None or not self.median:
            return None
        return self.elapsed / self.median

    @property
    def is_slow(self) -> bool:
        return is_slow(self.elapsed, self.median)


@dataclass(frozen=True, slots=True)
class Now:
    """All problems. `causes`: of runs, the worst kind first, then those that failed last. `running`: the slowest first.
    `running_runs`: how many there are."""

    senders: Sequence[Sender]
    causes: Sequence[Cause] = ()
    of_connections: Sequence[ConnectionProblem] = ()
    running: Sequence[RunningRun] = ()
    running_runs: int = 0

    @property
    def connections(self) -> dict[UUID, Connection]:
        return {sender.connection.pk: sender.connection for sender in self.senders}

    @property
    def problems(self) -> int:
        return len(self.causes) + len(self.of_connections)


@dataclass(frozen=True, slots=True)
class RecoveredNow:
    job: RecoveredJob
    recovery: Recovery


@dataclass(frozen=True, slots=True)
class Beside:
    """Facts beside the problems that are shown. `histories`: job id → its last RUNS_IN_STRIP runs. `recovered`:
    in the last DAY, the latest first. `half_hours`: of the last DAY."""

    histories: Mapping[UUID, Sequence[PastRun]]
    streaks: Mapping[UUID, Streak]
    downstream: Mapping[UUID, Downstream]
    recovered: Sequence[RecoveredNow]
    half_hours: Sequence[HalfHour]

    def streak(self, cause: Cause) -> Streak:
        """Return the streak of failures that a cause ends; of a running run, and of an unknown history: it alone."""
        run = cause.run
        found = None if cause.kind is ProblemKind.SLOW else self.streaks.get(run.job_id)
        at = (run.started_at or run.run_at) if cause.kind is ProblemKind.SLOW else run.failed_at
        return found or Streak(at, 1, is_whole=True)


def read_now(reader: Reader, *, now: datetime) -> Now:
    """Read all problems. Seven queries at most, however many runs and jobs there are."""
    senders = read_senders(reader)
    ids = [sender.connection.pk for sender in senders]
    if not ids:
        return Now(senders)
    running, running_runs = _running(ids, now=now)
    slow = [one.run for one in running if one.is_slow]
    order = list(ProblemKind)
    by_time = sorted(
        [*causes(read_failing(ids)), *causes(slow)], key=lambda cause: (cause.run.failed_at, cause.run.id), reverse=True
    )
    return Now(
        senders=senders,
        causes=sorted(by_time, key=lambda cause: order.index(cause.kind)),
        of_connections=connection_problems(senders, now=now),
        running=running,
        running_runs=running_runs,
    )


def read_beside(found: Now, shown: Sequence[Cause], *, now: datetime) -> Beside:
    """Read what stands beside these problems. Five queries, and two for levels of lineage, at most."""
    ids = list(found.connections)
    if not ids:
        return Beside({}, {}, {}, (), ())
    recovered = _outermost(read_recovered(ids, since=now - DAY))
    jobs = [(run.connection_id, run.job_id) for cause in shown for run in (cause.run, *cause.others)]
    wanted = jobs + [(job.connection_id, job.id) for job in recovered]
    histories = read_histories(wanted, most_runs=RUNS_IN_STRIP)
    return Beside(
        histories=histories,
        streaks=_streaks(jobs, histories),
        downstream=read_downstream([(cause.run.connection_id, cause.run.job_id) for cause in shown], ids),
        recovered=_recovered(recovered, histories, since=now - DAY),
        half_hours=read_half_hours(ids, since=now - DAY, until=now),
    )


def _streaks(jobs: Sequence[Key], histories: Mapping[UUID, Sequence[PastRun]]) -> dict[UUID, Streak]:
    """Return job id → its streak; longer histories are read for those that began before the strip. One query at
    most."""
    streaks = {job: _streak(histories.get(job, ()), RUNS_IN_STRIP) for _, job in jobs}
    long = [(of, job) for of, job in jobs if (streak := streaks[job]) and not streak.is_whole]
    deep = {job: _streak(history, _DEEP) for job, history in read_histories(long, most_runs=_DEEP).items()}
    return {job: streak for job, streak in (streaks | deep).items() if streak}


def _streak(history: Sequence[PastRun], most_runs: int) -> Streak | None:
    """Return the streak at the end of a history; of a short one no run before it is missing."""
    streak = streak_of(history)
    return streak._replace(is_whole=True) if streak and len(history) < most_runs else streak


def read_slow(ids: Sequence[UUID], *, now: datetime) -> set[Key]:
    """Read the jobs (connection id, id) of which a running run is slow, among the runs that Now looks at. Two queries
    at most."""
    running, _ = _running(ids, now=now) if ids else ([], 0)
    return {(one.run.connection_id, one.run.job_id) for one in running if one.is_slow}


def _running(ids: Sequence[UUID], *, now: datetime) -> tuple[list[RunningRun], int]:
    """Return the running runs, those that take longest compared with their median first, and how many there are."""
    runs, total = read_running(ids)
    medians = usual_durations({(run.connection_id, run.job_id) for run in runs})
    running = [RunningRun(run, known_duration(run.started_at, now), medians.get(run.job_id)) for run in runs]
    return sorted(running, key=lambda one: -(one.ratio or 0)), total


def _outermost(jobs: Sequence[RecoveredJob]) -> list[RecoveredJob]:
    """Leave out jobs inside others that recovered, too."""
    ids = {job.id for job in jobs}
    return [job for job in jobs if job.parent_job_id not in ids]


def _recovered(
    jobs: Sequence[RecoveredJob], histories: Mapping[UUID, Sequence[PastRun]], *, since: datetime
) -> list[RecoveredNow]:
    recoveries = ((job, recovery_of(histories.get(job.id, ()))) for job in jobs)
    found = [RecoveredNow(job, recovery) for job, recovery in recoveries if recovery and recovery.at >= since]
    return sorted(found, key=lambda one: one.recovery.at, reverse=True)
