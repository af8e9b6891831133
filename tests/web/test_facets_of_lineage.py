"""Pages and forms of what senders state of lineage beside inputs and outputs."""

import csv
import io
from html import unescape
from typing import Any

import pytest
from django.test import Client

from lineage.models import Job, Run
from tests.api.test_lineage import send
from tests.lineage.build import dataset, run_event
from tests.web.test_runs import html_of

pytestmark = pytest.mark.django_db

PARTITION = {"type": "partition", "partitions": [{"dimensions": {"day": "2026-11-20"}}]}
READ = {**dataset("A"), "inputFacets": {"subset": {"inputCondition": PARTITION}}}
MADE_OF_A = {**dataset("C"), "type": "DATASET", "inputs": [{"namespace": "warehouse", "name": "A", "type": "DATASET"}]}
NODE = "dataset:warehouse:A"


@pytest.fixture
def connection_id(db: None) -> str:
    """A connection whose job `load` reads A and B for C and D, and says that C is made of A; `report` runs after it."""
    facets: dict[str, Any] = {
        "jobDependencies": {"downstream": [{"job": {"namespace": "namespace", "name": "report"}}]},
        "extractionError": {"totalTasks": 5, "failedTasks": 2, "errors": [{"errorMessage": "no such syntax"}]},
    }
    load = run_event(
        "COMPLETE",
        job="load",
        inputs=[READ, dataset("B")],
        outputs=[dataset("C"), dataset("D")],
        run_facets=facets,
        job_facets={"lineage": {"entries": [MADE_OF_A]}},
    )
    return send("airflow", load, run_event("COMPLETE", run="report", job="report", inputs=[dataset("C")]))


def test_the_picture_tells_what_is_stated(as_viewer: Client, connection_id: str) -> None:
    html = html_of(as_viewer.get(f"/lineage?node={NODE}"))
    assert "stated by the sender" in html
    assert "incomplete: 2 of 5<" in html
    assert "incomplete: 2 of 5 statements" in html_of(as_viewer.get("/lineage?node=dataset:warehouse:C"))
    assert "runs before" in html_of(as_viewer.get(f"/lineage?node={NODE}&view=jobs"))


def test_the_order_of_jobs_is_no_flow_of_data(as_viewer: Client, connection_id: str) -> None:
    job = f"job:{Job.objects.get(name='report').id}"
    html = html_of(as_viewer.get(f"/lineage?node={job}&view=jobs"))
    assert "Made from: 1" in html
    assert len(as_viewer.get(f"/api/v1/lineage?node={job}&view=jobs&direction=up&depth=1").json()["edges"]) == 2


def test_table_csv_and_api_tell_it_too(as_viewer: Client, connection_id: str) -> None:
    asked = f"node={NODE}&view=jobs"
    assert "runs before" in html_of(as_viewer.get(f"/lineage?{asked}&show=table"))
    rows = list(csv.DictReader(io.StringIO(as_viewer.get(f"/lineage?{asked}&show=csv").content.decode())))
    assert [(row["from"], row["to"]) for row in rows if row["kind"] == "depends"] == [("load", "report")]
    graph = as_viewer.get(f"/api/v1/lineage?{asked}").json()
    [load] = [node for node in graph["nodes"] if node["name"] == "load"]
    assert load["incomplete"] == {"failed": 2, "total": 5}
    [line] = [
        edge for edge in as_viewer.get(f"/api/v1/lineage?node={NODE}&depth=1").json()["edges"] if edge["evidence"]
    ]
    assert line["evidence"] == "explicit"


def test_a_run_says_which_part_it_touched(as_viewer: Client, connection_id: str) -> None:
    run = Run.objects.get(job__name="load")
    html = unescape(html_of(as_viewer.get(f"/connections/{connection_id}/runs/{run.run_id}")))
    assert "only day=2026-11-20" in html
    assert "Lineage incomplete: 2 of 5 statements." in html
    details = as_viewer.get(f"/api/v1/runs/{run.run_id}").json()
    assert {row["name"]: row["subset"] for row in details["datasets"] if row["subset"]} == {"A": "day=2026-11-20"}
    assert details["extraction"] == "incomplete: 2 of 5 statements"


@pytest.mark.parametrize(
    ("name", "other", "title"), [("load", "report", "Runs before"), ("report", "load", "Runs after")]
)
def test_a_job_links_to_those_before_and_after(
    as_viewer: Client, connection_id: str, name: str, other: str, title: str
) -> None:
    job, linked = Job.objects.get(name=name), Job.objects.get(name=other)
    html = html_of(as_viewer.get(f"/connections/{connection_id}/jobs/{job.id}"))
    assert title in html
    assert f'href="/connections/{connection_id}/jobs/{linked.id}"' in html
