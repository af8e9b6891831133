"""Sample data of other producers over two weeks: a script with its own client, a Spark application, an endless
stream."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from quickstart.demo import warehouse
from quickstart.demo.executions import Event, Execution, SampleJob, Table

_NAMESPACE: Final = "data-platform"
_KAFKA: Final = "kafka://broker.example:9092"
_CLIENT: Final = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/client/python"
_SPARK: Final = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/spark"
_FLINK: Final = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/flink"

_RATES: Final = SampleJob(
    _NAMESPACE, "exchange_rates_loader", "JOB", "CUSTOM", _CLIENT, description="Reads the ECB's rates."
)
_SESSIONS: Final = SampleJob(_NAMESPACE, "clickstream_sessions", "APPLICATION", "SPARK", _SPARK)
_STREAM: Final = SampleJob(_NAMESPACE, "orders_stream", "APPLICATION", "FLINK", _FLINK, processing="STREAMING")


def events(now: datetime) -> Iterator[Event]:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for days in range(14, -1, -1):
        chance = random.Random(f"generic {days}")  # noqa: S311
        for execution in (_load_rates(midnight, days, chance), _sessions(midnight, days, chance)):
            if execution.ended_at < now:
                yield from execution.events()
    yield from _stream(now)


def _load_rates(midnight: datetime, days: int, chance: random.Random) -> Execution:
    failed = chance.random() < 0.12
    return Execution(
        _RATES,
        midnight - timedelta(days=days) + timedelta(hours=5, minutes=45),
        timedelta(seconds=chance.uniform(4, 11)),
        "FAIL" if failed else "COMPLETE",
        outputs=["shop.raw.exchange_rates"],
        error="xml.etree.ElementTree.ParseError: no element found: line 1, column 0",
        tables=warehouse.TABLES,
    )


def _sessions(midnight: datetime, days: int, chance: random.Random) -> Execution:
    aborted = chance.random() < 0.07
    return Execution(
        _SESSIONS,
        midnight - timedelta(days=days) + timedelta(hours=2),
        timedelta(minutes=chance.uniform(38, 61)),
        "ABORT" if aborted else "COMPLETE",
        inputs=["clickstream/raw", "shop.marts.dim_customers"],
        outputs=["clickstream/sessions"],
        tables=warehouse.TABLES,
    )


def _stream(now: datetime) -> Iterator[Event]:
    started = now - timedelta(days=9, hours=4)
    return iter(
        Execution(
            _STREAM,
            started,
            timedelta(),
            None,
            inputs=["orders"],
            outputs=["orders_enriched"],
            tables={"orders": Table(_KAFKA), "orders_enriched": Table(_KAFKA)},
            running_at=[started + timedelta(hours=12 * n) for n in range(1, 19)],
        ).events()
    )
