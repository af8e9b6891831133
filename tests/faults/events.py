"""Events of small runs, and what the product must make of any set of them: computed here, not by its code."""

import itertools
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from lineage.events import decode_event
from tests.lineage.build import dataset, run_event

JOBS = 20
_BEGIN = datetime.now(UTC) - timedelta(hours=12)
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Sent:
    """Event that is sent, and the id by which it is stored."""

    id: UUID
    type: str
    time: datetime
    run: UUID
    job: str
    body: bytes


@dataclass(frozen=True, slots=True)
class RunRow:
    job: str
    state: str
    event_count: int


@dataclass(frozen=True, slots=True)
class JobRow:
    running_runs: int
    latest_run: UUID
    latest_state: str


def make_events(count: int, *, job: str = "load", size: int = 0) -> list[Sent]:
    """A START and a COMPLETE for each run. The jobs and datasets are few, so that senders meet on their rows.

    `size`: each is that many bytes long at least, and as random as text can be: PostgreSQL cannot compress it.
    """
    return list(itertools.islice(_endless(job, size), count))


def _endless(job: str, size: int) -> Iterator[Sent]:
    for number in _numbers:
        run, name, time = uuid4(), f"{job}_{number % JOBS}", _BEGIN + timedelta(seconds=number)
        yield _sent("START", time, run, name, size)
        yield _sent("COMPLETE", time + timedelta(milliseconds=1), run, name, size)


def _sent(type_: str, time: datetime, run: UUID, job: str, size: int) -> Sent:
    body = run_event(
        type_,
        time.isoformat(),
        run=str(run),
        job=job,
        inputs=[dataset("staging.orders"), dataset("staging.customers")],
        outputs=[dataset(f"marts.{job}")],
        run_facets={"padding": {"text": random.randbytes(size // 2).hex()}} if size else None,
    )
    return Sent(decode_event(body).id, type_, time, run, job, body)


def expected_runs(events: Iterable[Sent]) -> dict[UUID, RunRow]:
    """Compute the expected runs of these events, each counted once."""
    by_run: dict[UUID, list[Sent]] = defaultdict(list)
    for event in events:
        by_run[event.run].append(event)
    return {
        run: RunRow(
            of_run[0].job, "COMPLETED" if any(event.type == "COMPLETE" for event in of_run) else "RUNNING", len(of_run)
        )
        for run, of_run in by_run.items()
    }


def expected_jobs(events: Iterable[Sent]) -> dict[str, JobRow]:
    events = list(events)
    runs = expected_runs(events)
    # By when the runs took place: their START, which is earlier than their COMPLETE by less than the next START.
    began = {event.run: event.time for event in sorted(events, key=lambda event: event.time, reverse=True)}
    jobs: dict[str, JobRow] = {}
    for job in {row.job for row in runs.values()}:
        of_job = [run for run, row in runs.items() if row.job == job]
        latest = max(of_job, key=lambda run: (began[run], run))
        jobs[job] = JobRow(sum(runs[run].state == "RUNNING" for run in of_job), latest, runs[latest].state)
    return jobs
