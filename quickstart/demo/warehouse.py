"""Tables of the shop in the sample data. Airflow loads them, dbt transforms them."""

from typing import Final

from quickstart.demo.executions import Columns

NAMESPACE: Final = "postgres://warehouse.example:5432"

COLUMNS: Final[Columns] = {
    "shop.raw.orders": [
        ("id", "bigint"),
        ("customer_id", "bigint"),
        ("placed_at", "timestamptz"),
        ("total", "numeric"),
    ],
    "shop.raw.payments": [("id", "bigint"), ("order_id", "bigint"), ("amount", "numeric"), ("method", "text")],
    "shop.raw.refunds": [("id", "bigint"), ("payment_id", "bigint"), ("amount", "numeric")],
    "shop.raw.customers": [("id", "bigint"), ("email", "text"), ("country", "text"), ("created_at", "timestamptz")],
    "shop.raw.ad_spend": [("day", "date"), ("campaign", "text"), ("cost", "numeric")],
    "shop.raw.exchange_rates": [("day", "date"), ("currency", "text"), ("rate", "numeric")],
    "shop.staging.stg_orders": [("order_id", "bigint"), ("customer_id", "bigint"), ("total_eur", "numeric")],
    "shop.staging.stg_payments": [("payment_id", "bigint"), ("order_id", "bigint"), ("amount_eur", "numeric")],
    "shop.staging.stg_customers": [("customer_id", "bigint"), ("country", "text")],
    "shop.marts.fct_orders": [("order_id", "bigint"), ("customer_id", "bigint"), ("total_eur", "numeric")],
    "shop.marts.dim_customers": [("customer_id", "bigint"), ("country", "text"), ("lifetime_value", "numeric")],
    "shop.marts.revenue_daily": [("day", "date"), ("country", "text"), ("revenue", "numeric")],
    "shop.reports.daily_revenue": [("day", "date"), ("revenue", "numeric"), ("refunds", "numeric")],
    "shop.ml.churn_scores": [("customer_id", "bigint"), ("score", "double precision")],
}
