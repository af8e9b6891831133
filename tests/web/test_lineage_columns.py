"""The page of lineage with columns: rows of nodes, lines between them, and the path of one."""

import csv
import io
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from lineage.events.identity import dataset_id
from tests.api.test_lineage import send
from tests.lineage.graph.walks import run
from tests.web.test_lineage import nodes
from tests.web.test_runs import html_of

ORDERS, MART, SHEET = (dataset_id("warehouse", name) for name in ("orders", "mart", "sheet"))
PAGE = f"/lineage?node=dataset:{ORDERS}&columns=true"
DIRECT = {"type": "DIRECT", "subtype": "IDENTITY"}
FILTER = {"type": "INDIRECT", "subtype": "FILTER"}


def facets(names: str, **made_of: list[tuple[str, dict[str, str]]]) -> dict[str, Any]:
    """Schema and column lineage. `made_of`: column → (`dataset.column`, how)."""
    fields = {
        column: {
            "inputFields": [
                dict(zip(("name", "field"), of.split("."), strict=True), namespace="warehouse", transformations=[how])
                for of, how in sources
            ]
        }
        for column, sources in made_of.items()
    }
    return {"schema": {"fields": [{"name": name} for name in names.split()]}, "columnLineage": {"fields": fields}}


@pytest.fixture
def estate(db: None) -> None:
    """raw.amount and raw.tax → orders.net → mart.total → sheet.sum; orders.status filters all of mart."""
    many = " ".join(f"c{number}" for number in range(20))
    send(
        "warehouse",
        run(
            "load",
            "raw",
            "orders",
            facets={"orders": facets(f"id {many} net status", net=[("raw.amount", DIRECT), ("raw.tax", DIRECT)])},
        ),
        run(
            "model",
            "orders",
            "mart",
            facets={"mart": facets("id total", total=[("orders.net", DIRECT), ("orders.status", FILTER)])},
        ),
        run("report", "mart", "sheet", facets={"sheet": facets("sum", sum=[("mart.total", DIRECT)])}),
    )


def rows(html: str) -> set[str]:
    """Labels of the rows, `Column net of orders`, with `*` for those that are highlighted."""
    found = re.findall(r'<a class="graph-row( is-highlighted)?[^>]*?aria-label="([^"]*)"', html, re.DOTALL)
    return {f"{unescape(label)}{'*' if highlighted else ''}" for highlighted, label in found}


def test_columns_with_lines_come_first_and_the_rest_is_counted(as_viewer: Client, estate: None) -> None:
    html = html_of(as_viewer.get(PAGE))
    of_orders = {label for label in rows(html) if label.endswith("of orders")}
    assert {"Column net of orders", "Column id of orders", "Column c0 of orders"} <= of_orders
    assert "+11 more columns of orders" in of_orders
    assert len(of_orders) == 13
    assert f'href="/datasets/{ORDERS}?all=columns#columns"' in html
    assert {"Column amount of raw", "Column tax of raw", "Column id of mart", "Column sum of sheet"} <= rows(html)
    assert html.count('class="graph-lines line-column"') - html.count('<path class="graph-lines line-column"') == 1
    assert "line-indirect" not in html
    assert "line-indirect" in html_of(as_viewer.get(PAGE.replace("true", "all")))
    assert rows(html_of(as_viewer.get(PAGE.replace("&columns=true", "")))) == set()


def test_a_column_leads_to_its_path(as_viewer: Client, estate: None) -> None:
    html = html_of(as_viewer.get(PAGE))
    [url] = re.findall(r'href="([^"]*)" aria-label="Column total of mart"', html)
    html = html_of(as_viewer.get(unescape(url)))
    highlighted = {label for label in rows(html) if label.endswith("*")}
    assert highlighted == {
        *("Column amount of raw*", "Column tax of raw*", "Column net of orders*"),
        *("Column total of mart*", "Column sum of sheet*"),
    }
    panel = html[html.index('<aside class="lineage-panel') :]
    assert re.findall(r"<code>(\w+)</code> of (\w+)</a>\s*<span[^>]*>(\d step)", panel) == [
        ("amount", "raw", "2 step"),
        ("tax", "raw", "2 step"),
        ("sum", "sheet", "1 step"),
    ]
    assert "Close path" in panel


def test_all_forms_say_the_same_of_columns(as_viewer: Client, estate: None) -> None:
    url = PAGE.replace("true", "all")
    graph = as_viewer.get(f"/api/v1{url}").json()
    names = {node["id"]: node["name"] for node in graph["nodes"]}
    expected = {
        (names[edge["from"]], line["from"], names[edge["to"]], line["to"], line["type"], line["subtype"])
        for edge in graph["edges"]
        for line in edge["columns"]
    }
    assert len(expected) == 5
    content = as_viewer.get(f"{url}&show=csv").content.decode()
    found = {
        tuple(row[name] for name in ("from", "from_column", "to", "to_column", "column_type", "column_subtype"))
        for row in csv.DictReader(io.StringIO(content))
    }
    assert found == expected
    table = html_of(as_viewer.get(f"{url}&show=table"))
    assert set(re.findall(r"<code>(\w+)</code> →\s*(?:<code>)?([\w ]+\w)", table)) == {
        (source, target or "all columns") for _, source, _, target, *_ in expected
    }


def test_a_path_narrows_the_table_and_the_csv(as_viewer: Client, estate: None) -> None:
    url = f"{PAGE}&column={SHEET}:sum&show=csv"
    lines = list(csv.DictReader(io.StringIO(as_viewer.get(url).content.decode())))
    assert {(line["from_column"], line["to_column"]) for line in lines} == {
        *(("amount", "net"), ("tax", "net"), ("net", "total"), ("total", "sum")),
    }
    assert "line-indirect" not in html_of(as_viewer.get(url.replace("csv", "table")))


def test_lines_of_columns_pass_jobs(as_viewer: Client, estate: None) -> None:
    html = html_of(as_viewer.get(f"{PAGE}&view=jobs"))
    assert nodes(html) == {"raw", "load", "orders", "model", "mart", "report", "sheet"}
    assert 'class="graph-lines line-column"' in html


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("column=x", "wrong value for “column”"),
        ("columns=yes", "wrong value for “columns”"),
        ("from=table:1", "wrong value for “from”"),
        (f"column={MART}:gone", "The column “gone” is not in this graph."),
    ],
)
def test_what_cannot_be_shown_is_said(as_viewer: Client, estate: None, query: str, words: str) -> None:
    address = f"/lineage?node=dataset:{ORDERS}&{query}" if "columns" in query else f"{PAGE}&{query}"
    status = 400 if "wrong" in words else 200
    assert words in html_of(as_viewer.get(address), status=status)
