"""Plan of the stored events: five for each run, forty runs for each job, spread over the four weeks before `until`.

One job in twenty takes four times as long as the others, one run in twenty fails, and a few are still running.
Everything is computed from the number of a run, so that any process can make any run.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from uuid import UUID

from bench.events import RUN_LASTS, event

EVENTS_PER_RUN = 5
RUNS_PER_JOB = 40
SPAN = timedelta(days=28)
_RUNS_PER_PARENT = 10
SLOW_RUN_LASTS = 4 * RUN_LASTS
# Times of a run's events in fifths of its duration, and the types of all but the last.
_MOMENTS = (0, 1, 2, 3, 5)
_TYPES = ["START", "RUNNING", "RUNNING", "RUNNING"]


@dataclass(frozen=True)
class PlannedRun:
    """Run of a plan. `last_type`: type of its last event; `RUNNING` if it has not ended."""

    id: UUID
    parent: UUID
    job: int
    began: datetime
    last_type: str
    lasts: timedelta = RUN_LASTS

    @property
    def events(self) -> Iterator[tuple[str, datetime]]:
        """Type and time of each event, sorted by time."""
        return zip([*_TYPES, self.last_type], [self.began + self.lasts * n / 5 for n in _MOMENTS], strict=True)

    def body(self, type_: str, time: datetime) -> bytes:
        return event(type_=type_, time=time, run=self.id, parent=self.parent, job=self.job)


@dataclass(frozen=True)
class Plan:
    """Plan of `events` events, a multiple of EVENTS_PER_RUN * RUNS_PER_JOB."""

    events: int
    until: datetime

    @property
    def runs(self) -> int:
        return self.events // EVENTS_PER_RUN

    @property
    def jobs(self) -> int:
        return self.runs // RUNS_PER_JOB

    def run(self, number: int) -> PlannedRun:
        """Return the run with this number; 0 is the oldest. Jobs take turns, so that runs of one job never overlap."""
        job = 1 + number % self.jobs
        return PlannedRun(
            id=_uuid(b"run", number),
            parent=_uuid(b"parent", number // _RUNS_PER_PARENT),
            job=job,
            began=self._began(number),
            last_type=self._last_type(number),
            lasts=SLOW_RUN_LASTS if job % 20 == 4 else RUN_LASTS,
        )

    def runs_between(self, start: datetime, end: datetime) -> Iterator[PlannedRun]:
        """Yield the runs with an event in this time, and a few around it."""
        first, behind = ((moment - self.first) // self._step for moment in (start - SLOW_RUN_LASTS, end))
        return map(self.run, range(max(0, first), min(self.runs, behind + 1)))

    @property
    def first(self) -> datetime:
        return self.until - SPAN

    @property
    def _step(self) -> timedelta:
        return (SPAN - SLOW_RUN_LASTS) / self.runs

    def _began(self, number: int) -> datetime:
        return self.first + number * self._step

    def _last_type(self, number: int) -> str:
        is_newest_of_job = number >= self.runs - self.jobs
        if is_newest_of_job and number % 20 == 13:
            return "RUNNING"
        return "FAIL" if number % 20 == 7 else "COMPLETE"


def _uuid(kind: bytes, number: int) -> UUID:
    return UUID(bytes=blake2b(b"%s %d" % (kind, number), digest_size=16).digest(), version=4)
