"""The page of lineage: picture, table and CSV of one answer, and the field that finds a dataset or a job."""

import csv
import io
import re
from html import unescape
from typing import Final
from uuid import uuid5

import pytest
from django.test import Client

from lineage.events.identity import dataset_id
from lineage.models import Job
from tests.api.test_lineage import send
from tests.lineage.graph.walks import NAMESPACE, run
from tests.web.test_runs import html_of

ORDERS = f"dataset:{dataset_id('warehouse', 'orders')}"


@pytest.fixture
def estate(db: None) -> dict[str, str]:
    """An orchestrator that loads what another one transforms."""
    failed = run("report", "mart", "sheet", at_minute=1, type_="FAIL")
    return {
        "airflow": send("airflow", run("load", "raw", "orders")),
        "dbt": send("dbt", run("model", "orders", "mart"), run("report", "mart", "sheet"), failed),
    }


def nodes(html: str) -> set[str]:
    return {
        unescape(label).partition(":")[0]
        for label in re.findall(r'<a class="graph-node[^>]*aria-label="([^"]*)"', html)
    }


def test_it_shows_the_lineage_across_connections(as_viewer: Client, estate: dict[str, str]) -> None:
    html = html_of(as_viewer.get(f"/lineage?node={ORDERS}"))
    assert nodes(html) == {"raw", "orders", "mart", "sheet"}
    assert "4 datasets" in html
    assert {">airflow<", ">dbt<"} <= set(re.findall(r">(?:airflow|dbt)<", html))
    assert "Failed" in html


def test_all_forms_say_the_same(as_viewer: Client, estate: dict[str, str]) -> None:
    table = html_of(as_viewer.get(f"/lineage?node={ORDERS}&show=table"))
    response = as_viewer.get(f"/lineage?node={ORDERS}&show=csv")
    assert response.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    lines = {(row["from"], row["to"], row["through"]) for row in rows}
    assert lines == {("raw", "orders", "load"), ("orders", "mart", "model"), ("mart", "sheet", "report")}
    graph = as_viewer.get(f"/api/v1/lineage?node={ORDERS}").json()
    names = {node["id"]: node["name"] for node in graph["nodes"]}
    assert {(names[edge["from"]], names[edge["to"]]) for edge in graph["edges"]} == {line[:2] for line in lines}
    for source, target, through in lines:
        cells = rf'>{source}<span class="lineage-namespace">.*?>{target}<span.*?>{through}<'
        assert re.search(cells, table, re.DOTALL), (source, target)


def test_a_node_that_is_selected_is_described(as_viewer: Client, estate: dict[str, str]) -> None:
    sheet = f"dataset:{dataset_id('warehouse', 'sheet')}"
    html = html_of(as_viewer.get(f"/lineage?node={ORDERS}&select={sheet}"))
    panel = html[html.index('<aside class="lineage-panel') :]
    assert "dataset in warehouse" in panel
    assert "Open failed run" in panel
    assert "Last written" in panel
    assert f'href="/datasets/{sheet.removeprefix("dataset:")}"' in panel
    job = Job.objects.get(name="report")
    assert f"/jobs/{job.id}" in panel


def test_links_keep_what_was_chosen(as_viewer: Client, estate: dict[str, str]) -> None:
    html = unescape(html_of(as_viewer.get(f"/lineage?node={ORDERS}&direction=down&depth=1")))
    assert nodes(html) == {"orders", "mart"}
    # A dataset is not from outside because its writer is not shown.
    assert ">1 job<" in html
    assert "outside" not in html
    more = {noun: url for url, noun in re.findall(r'href="(/lineage\?[^"]*expand=[^"]*)" aria-label="([^"]*)"', html)}
    assert len(more) == 2
    for label, url in more.items():
        beyond = {"raw"} if "writer" in label else {"sheet"}
        assert nodes(html_of(as_viewer.get(url))) == {"orders", "mart"} | beyond


def test_jobs_between_datasets(as_viewer: Client, estate: dict[str, str]) -> None:
    html = html_of(as_viewer.get(f"/lineage?node={ORDERS}&view=jobs&depth=1"))
    assert nodes(html) == {"raw", "load", "orders", "model", "mart"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", {"raw", "orders", "mart", "sheet"}),
        ("or re", {"report"}),
        ("or\0re", {"report"}),
        ("ORD", {"orders"}),
    ],
)
def test_a_dataset_or_a_job_is_found(as_viewer: Client, estate: dict[str, str], words: str, expected: set[str]) -> None:
    html = html_of(as_viewer.get("/lineage", {"q": words}))
    assert set(re.findall(r'class="lineage-found-name">([^<]*)<', html)) == expected


def test_nothing_yet_and_nothing_found(as_viewer: Client) -> None:
    assert "No datasets yet" in html_of(as_viewer.get("/lineage"))
    assert "Nothing is called “&lt;b&gt;”" in html_of(as_viewer.get("/lineage", {"q": "<b>"}))


def test_a_wrong_value_is_named(as_viewer: Client, estate: dict[str, str]) -> None:
    html = html_of(as_viewer.get(f"/lineage?node={ORDERS}&depth=99"), status=400)
    assert "wrong value for “depth”" in html
    assert as_viewer.get(f"/lineage?node=dataset:{dataset_id('no', 'thing')}").status_code == 404


def test_names_cannot_become_formulas(as_viewer: Client, db: None) -> None:
    send("odd", run("J", "=1+1", "out"))
    response = as_viewer.get(f"/lineage?node=dataset:{dataset_id('warehouse', 'out')}&show=csv")
    assert "'=1+1" in response.content.decode()


PARENT: Final = "00000000-0000-0000-0000-0000000000f1"


def rows_of(client: Client, query: str) -> list[dict[str, str]]:
    content = client.get(f"/lineage?{query}&show=csv").content.decode()
    return list(csv.DictReader(io.StringIO(content)))


def test_a_frame_a_stack_and_a_hint_in_all_forms(as_viewer: Client, db: None) -> None:
    above = {"parent": {"run": {"runId": PARENT}, "job": {"namespace": "namespace", "name": "dag.task"}}}
    outer = run("dag.task", "raw", "mart").replace(str(uuid5(NAMESPACE, "dag.task 0")).encode(), PARENT.encode())
    send("airflow", outer, run("days", "mart", "out/day=1 out/day=2"))
    send("dbt", run("model", "raw", "mart", run_facets=above), run("other", "MART", ""))
    mart = dataset_id("warehouse", "mart")
    query = f"node=dataset:{mart}"
    graph = as_viewer.get(f"/api/v1/lineage?{query}").json()
    by_name = {node["name"]: node for node in graph["nodes"]}
    assert [one["name"] for one in by_name["mart"]["within"]] == ["dag.task"]
    assert [one["name"] for edge in graph["edges"] for one in edge["within"]] == ["dag.task"]
    assert [one["name"] for one in by_name["mart"]["similar"]] == ["MART"]
    assert by_name["out"]["partitions"] == 2
    rows = rows_of(as_viewer, query)
    assert {(row["from"], row["to"], row["through"], row["within"]) for row in rows} == {
        ("raw", "mart", "model", "dag.task"),
        ("mart", "out (2 partitions)", "days", ""),
    }
    assert {(row["from_similar"], row["to_similar"]) for row in rows} == {
        ("", "warehouse MART"),
        ("warehouse MART", ""),
    }
    table, page = (html_of(as_viewer.get(f"/lineage?{query}{more}")) for more in ("&show=table", ""))
    for words in ("within dag.task", "out (2 partitions)", "maybe the same table as warehouse MART"):
        assert words in table
    assert {"within dag.task", "2 partitions, days", "Same as warehouse MART?"} <= set(re.findall(r">([^<]+)<", page))
    assert nodes(page) == {"raw", "mart", "out"}
    stack = html_of(as_viewer.get(f"/lineage?node=dataset:{dataset_id('warehouse', 'out')}"))
    assert f'href="/datasets?base={dataset_id("warehouse", "out")}"' in stack


def test_two_moments_are_compared_in_all_forms(as_viewer: Client, db: None) -> None:
    send("airflow", run("J", "A B", "T"), run("J", "A C", "T", at_minute=180))
    query = f"node=dataset:{dataset_id('warehouse', 'T')}&varying=false&compare=2026-11-20T13:00"
    expected = {("A", "unchanged"), ("B", "gone"), ("C", "added")}
    assert {(row["from"], row["change"]) for row in rows_of(as_viewer, query)} == expected
    graph = as_viewer.get(f"/api/v1/lineage?{query.replace('13:00', '13:00:00Z')}").json()
    changes = {node["id"]: (node["name"], node["change"]) for node in graph["nodes"]}
    assert {(changes[edge["from"]][0], edge["change"]) for edge in graph["edges"]} == expected
    assert graph["compare"] == "2026-11-20T13:00:00Z"
    assert set(changes.values()) == {*expected, ("T", "unchanged")}
    page = html_of(as_viewer.get(f"/lineage?{query}"))
    labels = set(re.findall(r'aria-label="([^"]*)"', page))
    assert {"B: Gone, only referenced", "C: Added, only referenced"} <= labels
    assert "lines: 1 added, 1 gone, 1 unchanged" in page
    assert re.search(r"<td>gone</td>", html_of(as_viewer.get(f"/lineage?{query}&show=table")))


def test_a_hub_is_listed_in_short(as_viewer: Client, db: None) -> None:
    writers = [run(f"W{number:02}", writes="hub", type_="FAIL" if number == 11 else "COMPLETE") for number in range(12)]
    send("airflow", *writers, *(run(f"R{number:02}", "hub", f"out{number:02}") for number in range(12)))
    hub = f"node=dataset:{dataset_id('warehouse', 'hub')}"
    page = html_of(as_viewer.get(f"/lineage?{hub}"))
    panel = page.partition("<aside")[2]
    assert re.findall(r">(W\d\d)<", panel) == ["W11", *(f"W{number:02}" for number in range(9))]
    assert "2 more in the table" in panel
    assert re.findall(r">(out\d\d)<", panel) == [f"out{number:02}" for number in range(10)]
    assert "All in the table" in panel


def test_no_more_is_offered_than_can_be_expanded(as_viewer: Client, estate: dict[str, str]) -> None:
    def page(expanded: int) -> str:
        ids = ",".join(str(uuid5(NAMESPACE, str(number))) for number in range(expanded))
        return html_of(as_viewer.get(f"/lineage?node={ORDERS}&depth=1&expand={ids}"))

    assert re.search(r'graph-stub" href="[^"]+" aria-label="Show 1 more reader of mart"', page(49))
    full = page(50)
    assert "+1 reader" in full
    assert 'graph-stub" href' not in full
    assert "50 are expanded, the most at once" in full
