"""Invented pictures: one with everything that a node and a line can say, and large ones."""

from random import Random

from lineage.graph.drawing import Line
from lineage.graph.nodes import Arrow, Node, Row, State, Stub, Style, Tone
from lineage.graph.picture import Picture, picture_of
from tests.lineage.graph.estates import estate

FRESH = ("Fresh", "circle-check", Tone.GREEN)
FAILED = ("Failed", "circle-x", Tone.RED)
WAITING = ("Waiting", "clock", Tone.AMBER)
OLD = ("Old data", "history", Tone.VIOLET)
FRESH_AGAIN = ("Fresh again", "refresh", Tone.GREEN)
NOT_KNOWN = ("Not known", "circle-dashed", Tone.GRAY)
ICONS = {"Airflow production": "windmill", "Shop warehouse (dbt)": "stack-2", "Spark on EMR": "activity-heartbeat"}
AIRFLOW, DBT, SPARK = ICONS
LAYERS = ("raw", "staging", "marts", "features", "reports")
COLUMNS = ("order_id", "net_amount", "country")
SUBJECTS = ("orders", "customers", "web_sessions", "ad_spend", "campaign_clicks", "customer_revenue_90d", "payments")


def dataset(name: str, writer: str, state: tuple[str, str, Tone], time: str, **fields: object) -> Node:
    return Node(name, name, f"#{name}", second=writer, state=State(*state, time), **fields)  # type: ignore[arg-type]


def columns(name: str, more: int) -> list[Row]:
    return [Row(name, "#column", is_highlighted=True), Row(f"{more} more columns", "#all", is_column=False)]


def shop() -> Picture:
    """Return a failed table of a shop, everything around it, and each kind of node and line."""
    red, amber, violet, green = ({"tone": tone} for tone in (Tone.RED, Tone.AMBER, Tone.VIOLET, Tone.GREEN))
    outside = {"second_icon": "external-link"}
    sources, readers = Stub(2, "source", "#sources"), Stub(6, "reader", "#readers")
    nodes = [
        dataset("shop.public.orders", "outside: Postgres", FRESH, "3 min ago", rows=columns("discount", 14), **outside),
        dataset("shop.public.customers", "outside: Postgres", FRESH, "8 min ago", **outside),
        dataset("ads.v4.campaigns", "outside: HTTP API", NOT_KNOWN, "", is_referenced_only=True, **outside),
        dataset("raw.orders", "load_orders", FRESH, "14:12", frame=AIRFLOW, rows=columns("discount", 17)),
        dataset("raw.customers", "load_customers", FRESH, "14:10", frame=AIRFLOW),
        dataset("raw.ad_spend", "load_ads_spend", FAILED, "29 Nov", frame=AIRFLOW, is_focus=True, **red),
        dataset("raw.web_sessions", "load_sessions", FRESH, "14:02", frame=AIRFLOW, upstream=sources),
        dataset("fct_orders", "model in shop.analytics", FRESH, "13:10", frame=DBT, rows=columns("net_amount", 21)),
        dataset("dim_customers", "model in shop.analytics", FRESH, "13:11", frame=DBT, downstream=readers),
        dataset("stg_campaign_clicks", "model in shop.staging", FRESH_AGAIN, "13:11", frame=DBT, **green),
        dataset("fct_marketing_cost", "model in shop.analytics", WAITING, "29 Nov", frame=DBT, **amber),
        dataset("fct_orders_old", "model in shop.analytics", NOT_KNOWN, "12 Oct", frame=DBT, is_dropped=True),
        dataset(
            "features.customer_revenue_90d",
            "build_customer_features",
            FRESH,
            "11:28",
            frame=SPARK,
            rows=columns("net_revenue_90d", 31),
            downstream=Stub(4, "reader", "#readers"),
        ),
        dataset("features.campaign_roi", "score_campaigns", OLD, "13:40", frame=SPARK, **violet),
        dataset(
            "reports.weekly_marketing",
            "build_weekly_report",
            WAITING,
            "27 Nov",
            frame=SPARK,
            upstream=Stub(1200, "source", "#sources"),
            downstream=Stub(1, "reader", "#reader"),
            **amber,
        ),
    ]
    return picture_of(nodes, _arrows_of_shop(), label="Lineage of raw.ad_spend, 15 datasets", icons=ICONS)


def _arrows_of_shop() -> list[Arrow]:
    names = """
        data: shop.public.orders > raw.orders, shop.public.customers > raw.customers, ads.v4.campaigns > raw.ad_spend,
        data: raw.orders > fct_orders, raw.customers > fct_orders, raw.customers > dim_customers,
        green: raw.ad_spend > stg_campaign_clicks,
        amber: raw.ad_spend > fct_marketing_cost, fct_marketing_cost > reports.weekly_marketing,
        varying: raw.web_sessions > fct_marketing_cost,
        renamed: fct_orders_old > fct_orders,
        data: fct_orders > features.customer_revenue_90d, stg_campaign_clicks > features.campaign_roi,
        assumed: dim_customers > features.customer_revenue_90d, dim_customers > features.campaign_roi,
        violet: fct_marketing_cost > features.campaign_roi
        data: features.customer_revenue_90d > raw.customers, fct_orders > fct_orders
    """
    arrows = []
    for line in names.strip().splitlines():
        style, _, pairs = line.strip().rstrip(",").partition(": ")
        ends = (pair.split(" > ") for pair in pairs.split(", "))
        arrows += [Arrow(source, target, Style(style)) for source, target in ends]
    path = ["shop.public.orders", "raw.orders", "fct_orders", "features.customer_revenue_90d"]
    rows = ["discount", "discount", "net_amount", "net_revenue_90d"]
    for at in range(3):
        arrows.append(Arrow(path[at], path[at + 1], Style.COLUMN, rows[at], rows[at + 1]))
    return arrows


def large(count: int, shape: str = "warehouse", seed: int = 1, *, with_columns: bool = False) -> Picture:
    """Return an estate of `count` datasets with names, writers and states."""
    random = Random(seed)
    boxes, lines = estate(shape, count, seed)
    states = [FRESH] * 12 + [FAILED, WAITING, WAITING, OLD, FRESH_AGAIN, NOT_KNOWN]
    nodes, state_of = [], {}
    for number, box in enumerate(boxes):
        state = state_of[box.id] = random.choice(states)
        subject = random.choice(SUBJECTS)
        name = f"{LAYERS[min(number * 6 // count, 4)]}.{subject}_{number}"
        is_plain = state in {FRESH, NOT_KNOWN}
        readers = (
            Stub(random.randrange(1, 9), "reader", f"/lineage?expand=dataset:postgres://warehouse.example:5432:{name}")
            if random.random() < 0.15
            else None
        )
        nodes.append(
            Node(
                box.id,
                name,
                f"/lineage?node=dataset:postgres://warehouse.example:5432:{name}",
                second=f"load_{subject}",
                state=State(*state, f"{random.randrange(24):02}:{random.randrange(60):02}"),
                tone=Tone.PLAIN if is_plain else state[2],
                frame=box.frame,
                downstream=readers,
                is_focus=number == count // 2,
                rows=[Row(column, "#") for column in COLUMNS[: number % 4]] if with_columns else (),
            )
        )
    arrows = [_arrow(line, state_of) for line in lines]
    if with_columns:
        columns = {node.id: [row.name for row in node.rows] for node in nodes}
        arrows += [
            Arrow(line.source, line.target, Style.COLUMN, column, column)
            for line in lines
            for column in columns[line.source]
            if column in columns[line.target]
        ]
    return picture_of(nodes, arrows, label=f"Lineage, {count} datasets", icons=ICONS)


def _arrow(line: Line, states: dict[str, tuple[str, str, Tone]]) -> Arrow:
    styles = {WAITING: Style.AMBER, OLD: Style.VIOLET, FRESH_AGAIN: Style.GREEN}
    return Arrow(line.source, line.target, styles.get(states[line.target], Style.DATA))
