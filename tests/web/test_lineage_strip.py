"""The strip of lineage on the pages of a job and of a run: what it reads and writes, and who is beside that."""

import re

from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from lineage.events.identity import dataset_id
from lineage.models import Job, Run
from tests.api.test_lineage import send
from tests.lineage.graph.walks import run
from tests.web.test_runs import html_of


def job_path(name: str) -> str:
    job = Job.objects.get(name=name)
    return f"/connections/{job.connection_id}/jobs/{job.id}"


def strip(html: str) -> str:
    """Text of the strip, with `[…]` around links."""
    section = re.search(r'<section class="card flow".*?</section>', html, re.DOTALL)
    text = re.sub(r"<a [^>]*>", "[", section[0] if section else "").replace("</a>", "]")
    return " ".join(re.sub(r"<[^>]+>", " ", text).split()).replace("[ ", "[").replace(" ]", "]")


def test_a_job_with_what_is_beside_it_in_other_connections(as_viewer: Client, db: None) -> None:
    send("airflow", run("load", "raw", "orders"), run("load", "raw", "orders", at_minute=9, type_="FAIL"))
    send("dbt", run("model", "orders", "mart"), run("report", "mart", "sheet"), run("export", "mart", "file"))
    html = html_of(as_viewer.get(job_path("model")))
    assert strip(html) == (
        "Lineage [Whole graph] Reads [orders] by load Failed This job Completed Writes [mart] read by 2 jobs Completed"
    )
    assert f'href="/lineage?node=job:{Job.objects.get(name="model").id}"' in html
    assert f'href="/datasets/{dataset_id("warehouse", "mart")}"' in html


def test_the_strip_of_a_run_has_its_own_datasets(as_viewer: Client, db: None) -> None:
    connection = send("a", run("J", "monday", "out"), run("J", "tuesday", "out", at_minute=60))
    first = Run.objects.order_by("run_at").first()
    assert first
    text = strip(html_of(as_viewer.get(f"/connections/{connection}/runs/{first.run_id}")))
    assert "[monday]" in text
    assert "tuesday" not in text
    assert "[tuesday]" in strip(html_of(as_viewer.get(job_path("J"))))


def test_many_datasets_are_counted_and_cost_no_more_queries(as_viewer: Client, db: None) -> None:
    send("a", run("few", "in", "out"), run("many", " ".join(f"in{n:02}" for n in range(30)), "result"))
    counts = []
    for name in ("few", "many"):
        with CaptureQueriesContext(
            database,
        ) as queries:
            html = html_of(as_viewer.get(job_path(name)))
        counts.append(len(queries))
    assert "[in00] [in01] [in02] [in03] [+26 more]" in strip(html)
    assert counts[0] == counts[1]


def test_what_is_not_known_is_said(as_viewer: Client, db: None) -> None:
    connection = send("a", run("source", writes="table"), run("nothing"), run("sink", "table"))
    assert "No dataset that it reads is known." in strip(html_of(as_viewer.get(job_path("source"))))
    assert "No dataset that it writes is known." in strip(html_of(as_viewer.get(job_path("sink"))))
    expected = "Lineage No event named a dataset that this job reads or writes."
    assert strip(html_of(as_viewer.get(job_path("nothing")))) == expected
    silent = Run.objects.get(job__name="nothing")
    html = html_of(as_viewer.get(f"/connections/{connection}/runs/{silent.run_id}"))
    assert strip(html) == ""
    assert "Its events name no dataset." in html
