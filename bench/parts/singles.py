"""Part: one event per request, for the product and the references, with 1 to 64 clients."""

from contextlib import ExitStack

from bench.memory import Memory, memory
from bench.options import Options
from bench.report import Ratio, Section, table_of_loads
from bench.runner import Case, Measurement, Results, measure
from bench.subjects import DECODE_ONLY, LADDER, NAIVE, PRODUCT, RAW_INSERT

CLIENTS = (1, 8, 32, 64)
_MB = 2**20


def run(options: Options) -> Section:
    with ExitStack() as stack:
        database = stack.enter_context(options.own_database())
        subjects = {s.name: s for s in (stack.enter_context(of(database, options.directory)) for of in LADDER)}
        cases = [Case(subject, clients) for clients in CLIENTS for subject in subjects.values()]
        results = measure(cases, rounds=options.rounds, seconds=options.seconds, postgres=database.pid)
        used = memory(subjects[PRODUCT].pid)
    return Section(
        title="Single events",
        text=(
            f"{options.method} Events of 5.6 KB with 3 datasets, a START and a COMPLETE for each run; two server "
            f"processes each. Stored rows equalled acknowledged events. {_memory_text(used)}"
        ),
        table=table_of_loads(results),
        ratios=[*_rates(results), *_costs(results), *_memory_goal(used)],
    )


def _rates(results: Results) -> list[Ratio]:
    def ratio(reference: str, clients: int) -> float:
        return _of(results, PRODUCT, clients).events_per_second / _of(results, reference, clients).events_per_second

    return [
        Ratio("events/s, intake ÷ naive ORM, 32 clients", ratio(NAIVE, 32), 40),
        Ratio("events/s, intake ÷ one raw INSERT per request, 32 clients", ratio(RAW_INSERT, 32), 2),
        Ratio("events/s, intake ÷ one raw INSERT per request, 64 clients", ratio(RAW_INSERT, 64), 2.5),
        Ratio("events/s, intake ÷ bare decode-only view, 32 clients", ratio(DECODE_ONLY, 32), 0.5),
    ]


def _costs(results: Results) -> list[Ratio]:
    cpu = _of(results, NAIVE, 64).cpu_per_event / _of(results, PRODUCT, 64).cpu_per_event
    alone = _of(results, PRODUCT, 1).p50 / _of(results, RAW_INSERT, 1).p50
    spreads = [(clients, _of(results, PRODUCT, clients)) for clients in (32, 64)]
    return [
        Ratio("CPU per event, naive ORM ÷ intake, 64 clients", cpu, 60),
        Ratio("p50 with 1 client, intake ÷ raw INSERT", alone, 1.3, at_most=True),
        *(Ratio(f"intake's p99 ÷ p50, {clients} clients", m.p99 / m.p50, 4, at_most=True) for clients, m in spreads),
    ]


def _of(results: Results, name: str, clients: int) -> Measurement:
    return results[name, clients, 1]


def _memory_text(used: Memory | None) -> str:
    if used is None:
        return "Memory is measured on Linux only."
    return (
        f"The largest process of the intake's server, 64 clients included: peak RSS {used.peak_rss / _MB:.0f} MB "
        f"(pages that it shares with other processes count in full), PSS afterwards {used.pss / _MB:.0f} MB."
    )


def _memory_goal(used: Memory | None) -> list[Ratio]:
    if used is None:
        return []
    return [
        Ratio("peak memory (RSS) of a server process, 64 clients", used.peak_rss / _MB, 200, at_most=True, unit="MB")
    ]
