"""Sample data of a dbt project over two weeks: built twice a day, models first, then their tests, some of which
fail."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from quickstart.demo import warehouse
from quickstart.demo.executions import Check, Event, Execution, SampleJob

_NAMESPACE: Final = "shop-dbt"
_PRODUCER: Final = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/dbt"
_PROJECT: Final = "shop"
_DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class Model:
    schema: str
    name: str
    inputs: Sequence[str]
    seconds: float
    # Probability that its build fails, and that its tests fail.
    build_fails: float = 0.0
    test_fails: float = 0.0

    @property
    def table(self) -> str:
        return f"{_PROJECT}.{self.schema}.{self.name}"

    @property
    def sql(self) -> str:
        return f"select * from {' join '.join(self.inputs)}"  # noqa: S608 - shown, never run


_MODELS: Final = (
    Model("staging", "stg_orders", ["shop.raw.orders", "shop.raw.exchange_rates"], 14),
    Model("staging", "stg_payments", ["shop.raw.payments"], 9, test_fails=0.1),
    Model("staging", "stg_customers", ["shop.raw.customers"], 6),
    Model("marts", "fct_orders", ["shop.staging.stg_orders", "shop.staging.stg_payments"], 41),
    Model("marts", "dim_customers", ["shop.staging.stg_customers", "shop.marts.fct_orders"], 27, test_fails=0.35),
    Model("marts", "revenue_daily", ["shop.marts.fct_orders", "shop.marts.dim_customers"], 33, build_fails=0.08),
    Model("marts", "campaign_roi", ["shop.raw.ad_spend", "shop.marts.revenue_daily"], 12),
)


def events(now: datetime) -> Iterator[Event]:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for days in range(_DAYS, -1, -1):
        for hour in (6, 18):
            at = midnight - timedelta(days=days) + timedelta(hours=hour)
            if at < now - timedelta(hours=1):
                yield from _build(at, random.Random(f"dbt {days} {hour}"))  # noqa: S311


def _build(at: datetime, chance: random.Random) -> Iterator[Event]:
    clock = at + timedelta(seconds=chance.uniform(3, 8))
    wrapper = SampleJob(_NAMESPACE, f"dbt-run-{_PROJECT}", "JOB", "DBT", _PRODUCER)
    started = Execution(wrapper, clock, timedelta(), None)
    node_events: list[Event] = []
    failed = False
    for model in _MODELS:
        for execution in _model_and_tests(model, started, clock, chance):
            node_events += execution.events()
            clock = execution.ended_at
            failed = failed or execution.outcome == "FAIL"
    whole = Execution(
        wrapper,
        started.started_at,
        clock - started.started_at + timedelta(seconds=2),
        "FAIL" if failed else "COMPLETE",
        error="dbt build: at least one node failed" if failed else "",
    )
    start, end = whole.events()
    yield from (start, *node_events, end)


def _model_and_tests(model: Model, parent: Execution, at: datetime, chance: random.Random) -> Iterator[Execution]:
    failed = chance.random() < model.build_fails
    built = Execution(
        _job(model, "MODEL", ".build.run", model.sql),
        at,
        timedelta(seconds=model.seconds * chance.uniform(0.7, 1.6)),
        "FAIL" if failed else "COMPLETE",
        parent,
        inputs=model.inputs,
        outputs=[model.table],
        error=f"Database Error in model {model.name}: canceling statement due to statement timeout",
        tables=warehouse.TABLES,
    )
    yield built
    if failed:
        return
    wrong = chance.randint(2, 40) if chance.random() < model.test_fails else 0
    yield Execution(
        _job(model, "TEST", ".build.test"),
        built.ended_at,
        timedelta(seconds=chance.uniform(0.4, 2.5)),
        "FAIL" if wrong else "COMPLETE",
        parent,
        inputs=[model.table],
        error=f"Got {wrong} results, configured to fail if != 0",
        tables=warehouse.TABLES,
        checks=_checks(model, wrong),
    )


def _checks(model: Model, wrong: int) -> list[Check]:
    """Make the tests of a model's first two columns. `wrong`: rows that break the last of them."""
    key, other = [name for name, _ in warehouse.TABLES[model.table].columns[:2]]
    return [Check("not_null", key), Check("unique", key), Check("not_null", other, wrong)]


def _job(model: Model, kind: str, suffix: str, sql: str = "") -> SampleJob:
    name = f"{_PROJECT}.{model.schema}.{_PROJECT}.{model.name}{suffix}"
    return SampleJob(_NAMESPACE, name, kind, "DBT", _PRODUCER, sql=sql, tags=[model.schema])
