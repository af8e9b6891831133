"""Rounds of measurements, interleaved: whatever else the machine does meanwhile meets all subjects alike."""

import itertools
import json
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import psutil

from bench.load import Order, Outcome
from bench.subjects import Subject

_seeds = itertools.count(0, 10_000_000)


@dataclass(frozen=True)
class Measurement:
    """Of one subject under one number of clients. Times in seconds."""

    events_per_second: float
    p50: float
    p99: float
    cpu_per_event: float


Results = dict[tuple[str, int], Measurement]


def measure(
    subjects: Sequence[Subject], clients: Sequence[int], *, rounds: int, seconds: float, postgres: int
) -> Results:
    """The medians of the rounds. `postgres` is the process id of the database server that all subjects share."""
    for subject in subjects:
        _round(subject, max(clients), 1.0, postgres)
    found: dict[tuple[str, int], list[Measurement]] = defaultdict(list)
    for number, at_once in itertools.product(range(rounds), clients):
        for subject in subjects:
            print(f"round {number + 1} of {rounds}: {subject.name}, {at_once} clients", file=sys.stderr)
            found[subject.name, at_once].append(_round(subject, at_once, seconds, postgres))
    return {key: _median(measurements) for key, measurements in found.items()}


def _median(measurements: Sequence[Measurement]) -> Measurement:
    columns = zip(*(asdict(measurement).values() for measurement in measurements), strict=True)
    return Measurement(*(statistics.median(column) for column in columns))


def _round(subject: Subject, clients: int, seconds: float, postgres: int) -> Measurement:
    stored, cpu = subject.stored(), _cpu(subject, postgres)
    outcome = _load(subject, clients, seconds)
    cpu = _cpu(subject, postgres) - cpu
    stored = subject.stored() - stored
    if outcome.refused or stored != outcome.acknowledged:
        raise SystemExit(
            f"{subject.name}: {outcome.acknowledged} events acknowledged, {outcome.refused} refused, {stored} stored"
        )
    cuts = statistics.quantiles(outcome.latencies, n=100)
    return Measurement(outcome.acknowledged / outcome.seconds, cuts[49], cuts[98], cpu / outcome.acknowledged)


def _load(subject: Subject, clients: int, seconds: float) -> Outcome:
    order = Order(subject.server.port, subject.path, subject.key, clients, seconds, next(_seeds))
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(asdict(order)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{subject.name}: the load client failed\n{done.stderr}")
    return Outcome(**json.loads(done.stdout))


def _cpu(subject: Subject, postgres: int) -> float:
    """CPU seconds that the subject's server and PostgreSQL have used so far, ended children included."""
    roots = (subject.server.process.pid, postgres)
    return sum(_seconds(process, roots) for root in roots for process in _family(root))


def _seconds(process: psutil.Process, with_children: tuple[int, ...]) -> float:
    """Nothing of one that has just ended (a worker of autovacuum): its parent counts it from then on."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    ended = times.children_user + times.children_system if process.pid in with_children else 0.0
    return times.user + times.system + ended


def _family(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]
