"""Tables of the shop in the sample data. Airflow loads them, dbt transforms them, Spark adds what people clicked on,
and Airflow makes reports and scores of the result."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from quickstart.demo.executions import Table, Tables

_POSTGRES: Final = "postgres://warehouse.example:5432"
_LAKE: Final = "s3://shop-lake"
_METASTORE: Final = "hive://metastore.example:9083"
# The column `refund_reason` is gone since then, and the report that reads it fails.
REASON_GONE: Final = timedelta(days=4)
# `channel` came with it.
_FROM_THEN_ON: Final = ("channel", "text")


def _table(rows: int, columns: str, **origins: str) -> Table:
    """`columns`: `name type, …`. `origins`: column → `table.column`, the names of several with spaces between them."""
    named = [(name, kind) for name, _, kind in (one.partition(" ") for one in columns.split(", "))]
    made_of = {column: [_column(one) for one in of.split()] for column, of in origins.items()}
    return Table(_POSTGRES, named, made_of, rows)


def _column(text: str) -> tuple[str, str]:
    table, _, column = text.rpartition(".")
    return table, column


_REFUNDS: Final = _table(1_180, "id bigint, payment_id bigint, amount numeric, refund_reason text")
TABLES: Final[Tables] = {
    "shop.raw.orders": _table(48_200, "id bigint, customer_id bigint, placed_at timestamptz, total numeric"),
    "shop.raw.payments": _table(51_900, "id bigint, order_id bigint, amount numeric, method text"),
    "shop.raw.refunds": _REFUNDS,
    "shop.raw.customers": _table(12_400, "id bigint, email text, country text, created_at timestamptz"),
    "shop.raw.ad_spend": _table(310, "day date, campaign text, cost numeric"),
    "shop.raw.exchange_rates": _table(31, "day date, currency text, rate numeric"),
    "shop.staging.stg_orders": _table(
        48_200,
        "order_id bigint, customer_id bigint, day date, total_eur numeric",
        order_id="shop.raw.orders.id",
        customer_id="shop.raw.orders.customer_id",
        day="shop.raw.orders.placed_at",
        total_eur="shop.raw.orders.total shop.raw.exchange_rates.rate",
    ),
    "shop.staging.stg_payments": _table(
        51_900,
        "payment_id bigint, order_id bigint, amount_eur numeric",
        payment_id="shop.raw.payments.id",
        order_id="shop.raw.payments.order_id",
        amount_eur="shop.raw.payments.amount",
    ),
    "shop.staging.stg_customers": _table(
        12_400,
        "customer_id bigint, country text",
        customer_id="shop.raw.customers.id",
        country="shop.raw.customers.country",
    ),
    "shop.marts.fct_orders": _table(
        48_200,
        "order_id bigint, customer_id bigint, day date, total_eur numeric, paid_eur numeric",
        order_id="shop.staging.stg_orders.order_id",
        customer_id="shop.staging.stg_orders.customer_id",
        day="shop.staging.stg_orders.day",
        total_eur="shop.staging.stg_orders.total_eur",
        paid_eur="shop.staging.stg_payments.amount_eur",
    ),
    "shop.marts.dim_customers": _table(
        12_400,
        "customer_id bigint, country text, lifetime_value numeric",
        customer_id="shop.staging.stg_customers.customer_id",
        country="shop.staging.stg_customers.country",
        lifetime_value="shop.marts.fct_orders.paid_eur",
    ),
    "shop.marts.revenue_daily": _table(
        910,
        "day date, country text, revenue numeric",
        day="shop.marts.fct_orders.day",
        country="shop.marts.dim_customers.country",
        revenue="shop.marts.fct_orders.total_eur",
    ),
    "shop.marts.campaign_roi": _table(
        310,
        "day date, campaign text, cost numeric, revenue numeric",
        day="shop.raw.ad_spend.day",
        campaign="shop.raw.ad_spend.campaign",
        cost="shop.raw.ad_spend.cost",
        revenue="shop.marts.revenue_daily.revenue",
    ),
    "shop.reports.daily_revenue": _table(910, "day date, revenue numeric, refunds numeric"),
    "shop.reports.board_pack": _table(24, "campaign text, cost numeric, revenue numeric"),
    "shop.ml.churn_features": _table(12_400, "customer_id bigint, lifetime_value numeric, sessions bigint"),
    "shop.ml.churn_scores": _table(12_400, "customer_id bigint, score double precision"),
    "clickstream/raw": Table(_LAKE),
    # Spark writes files; the metastore and all others call them by the table's name.
    "clickstream/sessions": Table(
        _LAKE,
        [("customer_id", "long"), ("country", "string"), ("sessions", "long")],
        {"customer_id": [("clickstream/raw", "user_id")], "country": [("shop.marts.dim_customers", "country")]},
        8_700,
        other_name=(_METASTORE, "lake.sessions"),
    ),
    "lake.sessions": Table(_METASTORE),
}


def tables_at(age: timedelta) -> Tables:
    """Return the tables as they were so long before now."""
    if age > REASON_GONE:
        return TABLES
    columns = [*_REFUNDS.columns[:-1], _FROM_THEN_ON]
    return {**TABLES, "shop.raw.refunds": replace(_REFUNDS, columns=columns)}
