"""Rounds of measurements, interleaved: other load on the machine affects all subjects equally."""

import itertools
import json
import math
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench.load import LoadResult, Order
from bench.processes import cpu_seconds
from bench.subjects import Subject

_seeds = itertools.count(0, 10_000_000)
_WARM_UP_SECONDS = 1.0


@dataclass(frozen=True)
class Case:
    """Subject under a load: number of clients, events in each request, and columns of which each event tells where they
    come from."""

    subject: Subject
    clients: int
    batch: int = 1
    columns: int = 0
    # Path of batches, if it differs from that of single events.
    path: str = ""

    def __str__(self) -> str:
        return f"{self.subject.name}, {self.clients} clients" + (f", batches of {self.batch}" * (self.batch > 1))


@dataclass(frozen=True)
class Measurement:
    """Measured values. Times are in seconds: latencies of requests, CPU time of the server and PostgreSQL."""

    events_per_second: float
    p50: float
    p99: float
    cpu_per_event: float
    refused: int


# (subject's name, clients, events in a request) → measurement.
Results = dict[tuple[str, int, int], Measurement]


def measure(
    cases: Sequence[Case], *, rounds: int, seconds: float, postgres: int, warm_up: float | None = None
) -> Results:
    """Measure the cases, and return the medians of the rounds. `postgres`: process id of the database server of all
    subjects.

    `warm_up`: seconds of load on each subject that are not counted. Ends the program if a request is refused, or if the
    stored events differ from the acknowledged ones.
    """
    for case in {case.subject.name: case for case in cases}.values():
        _round(case, warm_up or min(_WARM_UP_SECONDS, seconds), postgres)
    found: dict[tuple[str, int, int], list[Measurement]] = defaultdict(list)
    for number, case in itertools.product(range(rounds), cases):
        print(f"round {number + 1} of {rounds}: {case}", file=sys.stderr)
        found[case.subject.name, case.clients, case.batch].append(_round(case, seconds, postgres))
    return {key: _median(measurements) for key, measurements in found.items()}


def _median(measurements: Sequence[Measurement]) -> Measurement:
    columns = zip(*(asdict(measurement).values() for measurement in measurements), strict=True)
    return Measurement(*(statistics.median(column) for column in columns))


def _round(case: Case, seconds: float, postgres: int) -> Measurement:
    stored, cpu = case.subject.stored(), cpu_seconds(case.subject.pid, postgres)
    result = _load(case, seconds)
    cpu = cpu_seconds(case.subject.pid, postgres) - cpu
    events = result.acknowledged * case.batch
    newly = events if stored is None else (case.subject.stored() or 0) - stored
    # A subject may have stored an event that it refused.
    most = events + result.refused if case.subject.may_refuse else events
    if (result.refused and not case.subject.may_refuse) or not 0 < events <= newly <= most:
        raise SystemExit(f"{case}: {events} events acknowledged, {result.refused} requests refused, {newly} stored")
    p50, p99 = (_percentile(result.latencies, share) for share in (0.5, 0.99))
    return Measurement(events / result.seconds, p50, p99, cpu / events, result.refused)


def _percentile(values: Sequence[float], share: float) -> float:
    """Return the percentile by nearest rank, also of a single value."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def _load(case: Case, seconds: float) -> LoadResult:
    subject = case.subject
    order = Order(
        port=subject.port,
        path=case.path or subject.path,
        key=subject.key,
        clients=case.clients,
        seconds=seconds,
        seed=next(_seeds),
        batch=case.batch,
        columns=case.columns,
    )
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(asdict(order)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{case}: the load client failed\n{done.stderr}")
    return LoadResult(**json.loads(done.stdout))
