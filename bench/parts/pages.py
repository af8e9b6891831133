"""Part: pages and the read API with few and with many stored events, for one signed-in reader, over HTTP."""

import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg

from bench.filling import Filled, filled
from bench.options import Options
from bench.reader import Reader, Timing
from bench.report import Ratio, Section, Table
from tests.serving import serve

REQUESTS = 100
_WARM_UP = 10
# Name → path. Each request uses another job as {job}, its latest run as {run}, and what it writes as {dataset}.
PAGES = {
    "Now": "/",
    "Connections": "/connections",
    "Jobs": "/jobs",
    "Overview of a connection": "/connections/{connection}",
    "Overview, the longest runs first": "/connections/{connection}?sort=-duration",
    "Overview, searched": "/connections/{connection}?q=load_0004",
    "A job": "/connections/{connection}/jobs/{job}",
    "A run": "/connections/{connection}/runs/{run}",
    "Search": "/search?q=load",
    "Runs": "/runs",
    "Runs, failed ones of a month": "/runs?state=FAILED&range=30d",
    "Runs, skipped ones, of which there is none": "/runs?state=SKIPPED",
    "Runs, of jobs with a name like this": "/runs?q=load_0004",
    "Runs, of ten minutes or longer": "/runs?min=600",
    "API: connections": "/api/v1/connections",
    "API: jobs of a connection": "/api/v1/connections/{connection}/jobs?page_size=50",
    "API: runs of a connection": "/api/v1/connections/{connection}/runs?page_size=50",
    "API: failed runs of a connection": "/api/v1/connections/{connection}/runs?state=FAILED&page_size=50",
    "API: one job": "/api/v1/jobs/{job}",
    "API: runs of a job": "/api/v1/jobs/{job}/runs",
    "API: one run": "/api/v1/runs/{run}",
    "API: events of a run": "/api/v1/runs/{run}/events",
    "API: datasets": "/api/v1/datasets?page_size=50",
    "Datasets": "/datasets",
    "A dataset": "/datasets/{dataset}",
    "Lineage of a dataset": "/lineage?node=dataset:{dataset}&depth=3",
    "API: lineage of a dataset": "/api/v1/lineage?node=dataset:{dataset}&depth=3",
}
_JOBS = """
SELECT job.id, job.latest_run_sent_id, edge.dataset_id
FROM lineage_job AS job JOIN lineage_edge AS edge ON edge.job_id = job.id AND edge.direction = 'WRITES'
ORDER BY job.id LIMIT %s
"""


class _JobReader:
    """Reader who asks each time about another job."""

    def __init__(self, port: int, stock: Filled) -> None:
        self._reader = Reader(port, stock.database)
        self._connection_id = stock.sender[0]
        with psycopg.connect(stock.database.url) as connection:
            self._jobs = connection.execute(_JOBS, [REQUESTS]).fetchall()

    def time(self, path: str, number: int) -> float:
        """Measure the seconds until the response is complete."""
        job, run, dataset = self._jobs[number % len(self._jobs)]
        seconds, _ = self._reader.read(path.format(connection=self._connection_id, job=job, run=run, dataset=dataset))
        return seconds


def run(options: Options) -> Section:
    few, many = options.pages
    with ExitStack() as stack:
        database = stack.enter_context(options.own_database())
        stocks = {events: filled(database, f"events_{events}", events) for events in (few, many)}
        for stock in stocks.values():
            # As each minute: it stores what lists compare runs with.
            stock.database.manage("maintain")
        readers = {n: stack.enter_context(_reader(filled_, options)) for n, filled_ in stocks.items()}
        timings = {name: _time(name, path, readers) for name, path in PAGES.items()}
    return Section(
        title="Reading",
        text=(
            f"{REQUESTS} requests for each page, in turns over {few:,} and {many:,} stored events (five for each run, "
            f"forty runs for each job, one connection), by one signed-in reader. Times include the whole response, "
            f"as the reader sees it. Storing {many:,} events beforehand took {stocks[many].seconds:.0f} s."
        ),
        table=_table(timings, few, many),
        ratios=_ratios(timings, few, many),
    )


@contextmanager
def _reader(stock: Filled, options: Options) -> Iterator[_JobReader]:
    # The static files are not collected here.
    settings = {"DJANGO_SETTINGS_MODULE": "tests.serving_settings"}
    with serve(stock.database.url, options.directory / "pages.txt", environment=settings) as server:
        yield _JobReader(server.port, stock)


def _time(name: str, path: str, readers: dict[int, _JobReader]) -> dict[int, Timing]:
    print(f"reading: {name}", file=sys.stderr)
    taken: dict[int, list[float]] = defaultdict(list)
    for number in range(_WARM_UP + REQUESTS):
        for events, reader in readers.items():
            seconds = reader.time(path, number)
            if number >= _WARM_UP:
                taken[events].append(seconds)
    return {events: Timing.of(found) for events, found in taken.items()}


def _table(timings: dict[str, dict[int, Timing]], few: int, many: int) -> Table:
    heading = ["page", *(f"{p} ms at {n:,}" for n in (few, many) for p in ("p50", "p95")), "p50 ÷ p50"]
    rows = [
        [
            name,
            *(f"{1000 * value:.1f}" for n in (few, many) for value in (found[n].p50, found[n].p95)),
            f"{found[many].p50 / found[few].p50:.2f}",
        ]
        for name, found in timings.items()
    ]
    return [heading, *rows]


def _ratios(timings: dict[str, dict[int, Timing]], few: int, many: int) -> list[Ratio]:
    growth = {name: found[many].p50 / found[few].p50 for name, found in timings.items()}
    slowest = {name: 1000 * found[many].p95 for name, found in timings.items()}
    grown, slow = max(growth, key=growth.__getitem__), max(slowest, key=slowest.__getitem__)
    return [
        Ratio(
            f"p50 at {many:,} events ÷ at {few:,}, the worst of all pages ({grown})", growth[grown], 1.5, at_most=True
        ),
        Ratio(f"p95 at {many:,} events, the worst of all pages ({slow})", slowest[slow], 100, at_most=True, unit="ms"),
    ]
