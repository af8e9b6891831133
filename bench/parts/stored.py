"""Part: intake with many stored events, compared with intake into an empty database."""

from contextlib import ExitStack

from bench.filling import filled
from bench.options import Options
from bench.report import Ratio, Section, table_of_loads
from bench.runner import Case, measure
from bench.subjects import product

CLIENTS = (32, 64)


def run(options: Options) -> Section:
    empty, full = "empty at first", f"{options.stored:,} events stored"
    with ExitStack() as stack:
        database = stack.enter_context(options.own_database())
        prepared = filled(database, "stored", options.stored)
        subjects = [
            stack.enter_context(product(database, options.directory, name=empty)),
            stack.enter_context(product(prepared.database, options.directory, name=full, sender=prepared.sender)),
        ]
        cases = [Case(subject, clients) for clients in CLIENTS for subject in subjects]
        results = measure(cases, rounds=options.rounds, seconds=options.seconds, postgres=database.pid)
    return Section(
        title="Intake with stored events",
        text=(
            f"{options.method} {options.stored:,} events of {options.stored // 5:,} runs of {options.stored // 200:,} "
            "jobs, over four weeks, in the connection that then receives more; storing them in advance took "
            f"{prepared.seconds:.0f} s (bench/generator). Stored rows equalled acknowledged events."
        ),
        table=table_of_loads(results),
        ratios=[
            Ratio(
                f"events/s, {full} ÷ {empty}, {clients} clients",
                results[full, clients, 1].events_per_second / results[empty, clients, 1].events_per_second,
                0.85,
            )
            for clients in CLIENTS
        ],
    )
