"""Part: the product compared with Marquez, with equal events and clients, on one PostgreSQL."""

import dataclasses
from contextlib import ExitStack

import psycopg

from bench.marquez import MARQUEZ, Missing, free_port, java, marquez, published_jar
from bench.options import Options
from bench.report import Ratio, Section, table_of_loads
from bench.runner import Case, Results, measure
from bench.subjects import PRODUCT, product

CLIENTS = (1, 8, 32, 64)
# Java compiles code that runs often; before that it is several times slower.
_WARM_UP_SECONDS = 20.0


def run(options: Options) -> Section:
    try:
        program = java()
        jar = options.marquez_jar or published_jar(options.marquez_version, options.directory)
    except Missing as missing:
        raise SystemExit(f"Marquez cannot be measured here. What is missing: {missing}") from None
    with ExitStack() as stack:
        database = stack.enter_context(options.own_database(port=free_port()))
        # Over TCP, because Marquez supports nothing else.
        over_tcp = dataclasses.replace(database, url=psycopg.conninfo.make_conninfo(database.url, host="127.0.0.1"))
        subjects = [
            stack.enter_context(product(over_tcp, options.directory)),
            stack.enter_context(marquez(database, options.directory, java=program, jar=jar)),
        ]
        results = measure(
            [Case(subject, clients) for clients in CLIENTS for subject in subjects],
            rounds=options.rounds,
            seconds=options.seconds,
            postgres=database.pid,
            warm_up=_WARM_UP_SECONDS,
        )
    return Section(
        title="Beside Marquez",
        text=(
            f"{options.method} Marquez: {jar.name}, search, GraphQL and access log off, its own database on the same "
            f"PostgreSQL, {_WARM_UP_SECONDS:.0f} s of load before anything counted. Stored events equalled "
            f"acknowledged ones.{_refusals(results)}"
        ),
        table=table_of_loads(results),
        ratios=[
            Ratio(
                f"events/s, intake ÷ Marquez, clients at once: {clients}",
                results[PRODUCT, clients, 1].events_per_second / results[MARQUEZ, clients, 1].events_per_second,
                30,
            )
            for clients in CLIENTS
        ],
    )


def _refusals(results: Results) -> str:
    refused = {
        clients: found.refused for (name, clients, _), found in results.items() if name == MARQUEZ and found.refused
    }
    if not refused:
        return ""
    counts = ", ".join(f"{count:g} with {clients} clients" for clients, count in refused.items())
    return f" Marquez refused requests in each round, which are not counted: {counts}."
