"""The picture of lineage as an SVG file, which stands by itself."""

import re
from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from lineage.events.identity import dataset_id
from tests.api.test_lineage import send
from tests.house.files import ROOT
from tests.lineage.graph.walks import run
from tests.web.test_lineage_columns import DIRECT, facets
from tests.web.test_runs import html_of

ODD = 'a<b>&"\x01'
NODE = f"dataset:{dataset_id('warehouse', 'orders')}"
PAGE = f"/lineage?node={NODE}&columns=true&from={NODE}"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def estate(db: None) -> None:
    made = facets("id net", net=[("raw.amount", DIRECT)])
    send("airflow", run("load", "raw", "orders", facets={"orders": made}), run("copy", "orders", ODD))


def labels(root: ET.Element) -> set[str]:
    return {link.get("aria-label", "") for link in root.iter(f"{SVG}a")}


def test_the_file_holds_the_picture_of_the_page(as_viewer: Client, estate: None) -> None:
    response = as_viewer.get(f"{PAGE}&show=svg")
    assert response.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="lineage-orders.svg"'
    root = ET.fromstring(response.content)  # noqa: S314 - our own answer
    page = html_of(as_viewer.get(PAGE))
    canvas = page[page.index('<svg class="graph-canvas') : page.index('<button class="graph-pin')]
    assert {path.get("d") for path in root.iter(f"{SVG}path")} >= set(
        re.findall(r'data-way="[^"]*" d="([^"]*)"', canvas)
    )
    assert len(labels(root)) == len(set(re.findall(r'<a class="[^>]*?aria-label="([^"]*)"', canvas, re.DOTALL)))
    assert "Column net of orders" in labels(root)
    assert 'class="graph-canvas is-tracing"' in response.content.decode()


def test_the_file_needs_nothing_else(as_viewer: Client, estate: None) -> None:
    text = as_viewer.get(f"{PAGE}&show=svg").content.decode()
    root = ET.fromstring(text)  # noqa: S314 - our own answer
    ids = {element.get("id") for element in root.iter() if element.get("id")}
    assert {use.get("href", "").removeprefix("#") for use in root.iter(f"{SVG}use")} <= ids
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= ids
    links = {link.get("href", "") for link in root.iter(f"{SVG}a")}
    assert all(link.startswith("http://testserver/") for link in links)
    assert not any("show=svg" in link for link in links)
    sheet = text[text.index("<style>") : text.index("</style>")]
    assert not re.search(r"var\(|url\(|light-dark|@import", sheet)
    classes = {name for element in root.iter() for name in element.get("class", "").split()}
    # A plain node has the colours of all nodes, and data flow those of all lines.
    plain = {"graph-canvas", "tone-plain", "tone-gray", "line-data", "graph-state", "is-column"}
    assert {name for name in classes - plain if f".{name}" not in sheet} == set()


def test_every_style_of_the_page_has_its_rule_in_the_file() -> None:
    """A style that is added to the page is not forgotten in the file."""
    page = (ROOT / "static/css/pages/graph.css").read_text()
    file = (ROOT / "templates/lineage/graph.svg").read_text()
    drawn = set(re.findall(r"\.((?:line|tone|is)-[a-z]+)", page)) - {"tone-plain"}
    assert {name for name in drawn if f".{name}" not in file} == set()
