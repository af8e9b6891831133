"""Events of a shop's tables, as one has them after a month: what the pages of datasets show something of."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from lineage.events.identity import dataset_id
from tests.lineage.build import run_event
from tests.lineage.conftest import Sender

WAREHOUSE = "snowflake://shop"
ORDERS = "analytics.fct_orders"
ORDERS_ID = dataset_id(WAREHOUSE, ORDERS)
DAYS = 30
# The day on which a write had too few rows, from the last one back.
SHORT_DAY = 11
DAY = timedelta(days=1)

_COLUMNS = [
    ("order_id", "BIGINT"),
    ("customer_id", "BIGINT"),
    ("ordered_at", "TIMESTAMP_TZ"),
    ("net_amount", "DECIMAL(12,2)"),
    ("currency", "CHAR(3)"),
    ("shipping_country_iso_3166_alpha_2_code", "CHAR(2)"),
    ("loaded_at", "TIMESTAMP_TZ"),
]


def orders_schema(*, day: int = 0) -> dict[str, Any]:
    """Schema so many days before the last write."""
    fields = [{"name": name, "type": type_, "description": ""} for name, type_ in _COLUMNS]
    fields[0]["description"] = "Number of the order, given by the shop."
    if day > SHORT_DAY:
        fields[3]["type"] = "DECIMAL(10,2)"
    if day < 3:
        fields.append({"name": "sales_channel", "type": "VARCHAR(32)"})
    inner = [{"name": "city", "type": "VARCHAR"}, {"name": "street", "type": "VARCHAR"}]
    return {"fields": [*fields, {"name": "address", "type": "STRUCT", "fields": inner}]}


def _source(column: str, table: str = "raw.orders", *, type_: str = "DIRECT", subtype: str = "IDENTITY") -> Any:
    how = [{"type": type_, "subtype": subtype}] if subtype else []
    return {"namespace": WAREHOUSE, "name": table, "field": column, "transformations": how}


def orders_lineage() -> dict[str, Any]:
    fields = {
        "order_id": [_source("order_id")],
        "customer_id": [_source("customer_id", "raw.customers", subtype="")],
        "ordered_at": [_source("created_at")],
        "net_amount": [_source("amount", subtype="TRANSFORMATION"), _source("discount", subtype="TRANSFORMATION")],
        "currency": [_source("currency"), _source("status", type_="INDIRECT", subtype="CONDITIONAL")],
    }
    of_all = [_source("is_test", type_="INDIRECT", subtype="FILTER")]
    return {"fields": {name: {"inputFields": sources} for name, sources in fields.items()}, "dataset": of_all}


def shop_events(last: datetime) -> Iterator[bytes]:
    """Yield the events of a month of daily writes, of which the last one ended at `last`."""
    for day in reversed(range(DAYS)):
        yield from _write(last - day * DAY, day)
    yield _tests(last + timedelta(minutes=5))
    readers = ("build_customer_features_90d", "fct_daily_revenue", "export_orders_to_crm_and_support_desk", "audit")
    for number, job in enumerate(readers):
        at = last + timedelta(minutes=10 * (number + 1))
        yield _complete(at, 5000 + number, job, inputs=[_named(ORDERS)])
    yield _complete(last - 40 * DAY, 6000, "backfill_orders_from_archive", outputs=[_named(ORDERS)])
    yield _complete(last - 3 * DAY, 6001, "backfill_orders_from_archive", outputs=[_named("archive.orders")])


def send_shop(sender: Sender, last: datetime) -> None:
    sender.send(*shop_events(last))


def _write(ended: datetime, day: int) -> Iterator[bytes]:
    rows = 38_000_000 + (DAYS - day) * 110_000
    facets: dict[str, Any] = {
        "schema": orders_schema(day=day),
        "columnLineage": orders_lineage(),
        "documentation": {"description": "One row for each order line that was paid."},
        "ownership": {"owners": [{"name": "Analytics", "type": "TEAM"}]},
        "tags": {"tags": [{"key": "tier", "value": "gold"}, {"key": "pii", "value": "true", "field": "customer_id"}]},
        "storage": {"storageLayer": "snowflake", "fileFormat": "fdn"},
        "symlinks": {"identifiers": [{"namespace": "hive://metastore", "name": "shop.fct_orders", "type": "TABLE"}]},
    }
    counts = {"outputStatistics": {"rowCount": rows * (8 if day == SHORT_DAY else 10) // 10, "size": rows * 60}}
    output = {**_named(ORDERS, facets), "outputFacets": counts}
    inputs = [_named("raw.orders"), _named("raw.customers")]
    yield _event("START", ended - timedelta(seconds=48), day, "fct_orders")
    yield _event("COMPLETE", ended, day, "fct_orders", inputs=inputs, outputs=[output])


def _tests(at: datetime) -> bytes:
    results = [
        ("unique", "order_id", True, {}),
        ("not_null", "order_id", True, {}),
        ("not_null", "ordered_at", True, {}),
        ("accepted_range", "net_amount", False, {"actual": "3", "expected": "0"}),
        ("not_null", "shipping_country_iso_3166_alpha_2_code", False, {"severity": "warn", "actual": "80"}),
        ("row_count_above_zero", None, True, {}),
    ]
    assertions = [
        {"assertion": assertion, "success": success, **more} | ({"column": column} if column else {})
        for assertion, column, success, more in results
    ]
    tested = {**_named(ORDERS), "inputFacets": {"dataQualityAssertions": {"assertions": assertions}}}
    return _complete(at, 4000, "fct_orders.test", inputs=[tested])


def _named(name: str, facets: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"namespace": WAREHOUSE, "name": name, "facets": facets or {}}


def _complete(at: datetime, number: int, job: str, **fields: Any) -> bytes:
    return _event("COMPLETE", at, number, job, **fields)


def _event(type_: str, at: datetime, number: int, job: str, **fields: Any) -> bytes:
    run = str(uuid.UUID(int=0xD0000 + number))
    return run_event(type_, at.astimezone(UTC).isoformat(), run=run, job=job, namespace="shop", **fields)
