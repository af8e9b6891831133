"""Part: requests with a hundred events, compared with single events of 64 clients."""

from bench.options import Options
from bench.report import Ratio, Section, table_of_loads
from bench.runner import Case, measure
from bench.subjects import PRODUCT, product

SIZE = 100
SENDERS = (4, 8)
_SINGLE_CLIENTS = 64


def run(options: Options) -> Section:
    with options.own_database() as database, product(database, options.directory) as subject:
        path = f"{subject.path}/batch"
        cases = [Case(subject, _SINGLE_CLIENTS), *(Case(subject, senders, SIZE, path) for senders in SENDERS)]
        results = measure(cases, rounds=options.rounds, seconds=options.seconds, postgres=database.pid)
    singles = results[PRODUCT, _SINGLE_CLIENTS, 1].events_per_second
    return Section(
        title="Batches",
        text=(
            f"{options.method} Latencies are of a request, so of {SIZE} events. "
            "Stored rows equalled acknowledged events."
        ),
        table=table_of_loads(results),
        ratios=[
            Ratio(
                f"events/s, batches of {SIZE} with {senders} senders ÷ single events with {_SINGLE_CLIENTS} clients",
                results[PRODUCT, senders, SIZE].events_per_second / singles,
                1.7,
            )
            for senders in SENDERS
        ],
    )
