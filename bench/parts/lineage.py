"""Part: lineage of an estate of 10,000 jobs and 30,000 tables, as one signed-in reader asks for it, over HTTP."""

import gzip
import random
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from statistics import median
from urllib.parse import quote

import psycopg
import requests

from bench.estate import EVENTS_OF_RUN, NAMESPACE, RUNS, Estate
from bench.growth import with_more_runs
from bench.options import Options
from bench.reader import Reader, Timing
from bench.report import Ratio, Section, Table
from bench.runner import Case, measure
from bench.subjects import product
from tests.serving import LiveServer, OwnDatabase, serve

JOBS = 10_000
REQUESTS = 100
_WARM_UP = 10
_EVENTS_OF_A_BATCH = 500
_API = "/api/v1/lineage?direction=both&node=dataset:{namespace}:{table}&limit=150"
_HUB = "API: a hub, depth 1"
_DEPTH_3 = "API: depth 3"
_PAGE = "Lineage, depth 3"
# Name → URL of a table.
_QUESTIONS = {
    "API: depth 1": _API + "&depth=1",
    "API: depth 2": _API + "&depth=2",
    _DEPTH_3: _API + "&depth=3",
    "API: depth 3 with columns": _API + "&depth=3&columns=true",
    "API: depth 3, jobs": _API + "&depth=3&view=jobs",
    _HUB: _API + "&depth=1",
    _PAGE: "/lineage?direction=both&depth=3&node=dataset:{namespace}:{table}",
    "Lineage, a hub, depth 1": "/lineage?direction=both&depth=1&node=dataset:{namespace}:{table}",
}
_SVG = re.compile(rb"<svg class=\"graph-canvas\".*?</svg>", re.DOTALL)
_CLIENTS = 32
_COLUMNS = 50
_WITH_COLUMNS = f"intake, {_COLUMNS} columns named"


@dataclass(frozen=True)
class _Found:
    """Times of a question, and the most bytes of its picture, compressed; 0: it has none."""

    timing: Timing
    picture_bytes: int


def run(options: Options) -> Section:
    estate = Estate(JOBS, until=datetime.now(UTC))
    with options.own_database() as database:
        with _served(database, options) as server:
            seconds = _send(estate, database, server)
            reader = Reader(server.port, database)
            found = {name: _ask(reader, name, url, estate) for name, url in _QUESTIONS.items()}
        growth = _growth(database, options, estate)
        kept = _intake_with_columns(database, options)
    return Section(
        title="Lineage",
        text=(
            f"{JOBS:,} jobs in ten layers, which write {len(estate.tables):,} tables, ten of them read by a "
            f"thousand jobs each; two runs of each job. {REQUESTS} requests for each question, each about another "
            f"table, by one signed-in reader; times include the whole response. Sending them took {seconds:.0f} s."
        ),
        table=_table(found),
        ratios=[
            *_goals(found),
            growth,
            Ratio(f"events/s, with {_COLUMNS} columns named ÷ usual, {_CLIENTS} clients", kept, 0.8),
        ],
    )


@contextmanager
def _served(database: OwnDatabase, options: Options) -> Iterator[LiveServer]:
    # The static files are not collected here.
    settings = {"DJANGO_SETTINGS_MODULE": "tests.serving_settings"}
    with serve(database.url, options.directory / "lineage.txt", environment=settings) as server:
        yield server


def _send(estate: Estate, database: OwnDatabase, server: LiveServer) -> float:
    """Send the estate's events to the server. Returns the seconds that took."""
    print(f"lineage: sending the events of {estate.jobs:,} jobs", file=sys.stderr)
    connection_id, key = database.add_sender()
    url, headers = f"{server.url}{server.path(connection_id)}/batch", {"Authorization": f"Bearer {key}"}
    began = time.monotonic()
    events = estate.events()
    while batch := b",".join(islice(events, _EVENTS_OF_A_BATCH)):
        requests.post(url, b"[%s]" % batch, headers=headers, timeout=60).raise_for_status()
    database.wait_until_settled()
    with psycopg.connect(database.url, autocommit=True) as session:
        session.execute("VACUUM (ANALYZE)")
    return time.monotonic() - began


def _ask(reader: Reader, name: str, url: str, estate: Estate) -> _Found:
    print(f"lineage: {name}", file=sys.stderr)
    choose = random.Random(7)  # noqa: S311 - nothing secret
    tables = estate.hubs if "hub" in name else choose.sample(estate.tables, _WARM_UP + REQUESTS)
    taken, largest = [], 0
    for number in range(_WARM_UP + REQUESTS):
        seconds, body = reader.read(url.format(namespace=quote(NAMESPACE, ""), table=tables[number % len(tables)]))
        if number >= _WARM_UP:
            taken.append(seconds)
        if picture := _SVG.search(body):
            largest = max(largest, len(gzip.compress(picture[0])))
    return _Found(Timing.of(taken), largest)


def _growth(database: OwnDatabase, options: Options, estate: Estate) -> Ratio:
    """Measure how much longer an answer takes if each job ran more often: with as many events as pages have. Both
    databases are asked in turns."""
    runs = max(options.pages[1] // (JOBS * EVENTS_OF_RUN), RUNS)
    print(f"lineage: {runs} runs of each job", file=sys.stderr)
    grown = with_more_runs(database, "grown", more=runs - RUNS)
    taken: dict[str, list[float]] = {"few": [], "many": []}
    with _served(database, options) as few, _served(grown, options) as many:
        readers = {"few": Reader(few.port, database), "many": Reader(many.port, grown)}
        tables = random.Random(7).sample(estate.tables, _WARM_UP + REQUESTS)  # noqa: S311 - nothing secret
        for number, table in enumerate(tables):
            for name, reader in readers.items():
                seconds, _ = reader.read(_QUESTIONS[_DEPTH_3].format(namespace=quote(NAMESPACE, ""), table=table))
                if number >= _WARM_UP:
                    taken[name].append(seconds)
    few_ms, many_ms = (1000 * median(taken[name]) for name in ("few", "many"))
    events = JOBS * EVENTS_OF_RUN
    name = f"p50 of {_DEPTH_3}, {events * runs:,} events ({many_ms:.1f} ms) ÷ {events * RUNS:,} ({few_ms:.1f} ms)"
    return Ratio(name, many_ms / few_ms, 1.3, at_most=True)


def _intake_with_columns(database: OwnDatabase, options: Options) -> float:
    """Measure how much intake is left if each event repeats where its 50 columns come from."""
    with product(database, options.directory, sender=database.add_sender("Columns")) as subject:
        with_columns = replace(subject, name=_WITH_COLUMNS)
        cases = [Case(subject, _CLIENTS), Case(with_columns, _CLIENTS, columns=_COLUMNS)]
        results = measure(cases, rounds=options.rounds, seconds=options.seconds, postgres=database.pid)
    usual, columns = (results[case.subject.name, _CLIENTS, 1].events_per_second for case in cases)
    return columns / usual


def _table(found: dict[str, _Found]) -> Table:
    rows = [
        [
            name,
            *(f"{1000 * value:.1f}" for value in (one.timing.p50, one.timing.p95)),
            f"{one.picture_bytes / 1000:.1f}" if one.picture_bytes else "",
        ]
        for name, one in found.items()
    ]
    return [["question", "p50 ms", "p95 ms", "largest picture, kB gzipped"], *rows]


def _goals(found: dict[str, _Found]) -> list[Ratio]:
    def at_most(name: str, value: float, goal: float, unit: str) -> Ratio:
        return Ratio(name, value, goal, at_most=True, unit=unit)

    return [
        at_most(f"p95 of {_DEPTH_3}", 1000 * found[_DEPTH_3].timing.p95, 50, "ms"),
        at_most(f"p95 of {_HUB}", 1000 * found[_HUB].timing.p95, 80, "ms"),
        at_most(f"p95 of the page {_PAGE}", 1000 * found[_PAGE].timing.p95, 150, "ms"),
        at_most("the largest picture, gzipped", max(one.picture_bytes for one in found.values()) / 1000, 10, "kB"),
    ]
