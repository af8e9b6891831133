"""The page of a job whose latest run is what other runs made of it: it names them, and leads there."""

import pytest
from django.test import Client

from lineage.models import Job
from tests.lineage.airflow import dag_event, dag_run_id, task_event, task_run_id
from tests.lineage.build import at, run_event
from tests.lineage.conftest import make_sender
from tests.web.test_job import get, html_of, run_rows, story

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("after_built_events")]


def test_what_other_runs_did_to_it(as_viewer: Client) -> None:
    sender = make_sender()
    tasks = {"load": {"downstream_task_ids": ["report"]}}
    facets = {"jobType": {"jobType": "DAG", "integration": "AIRFLOW"}, "airflow": {"tasks": tasks}}
    states = {"load": "failed", "report": "upstream_failed", "clean": "skipped"}
    sender.send(
        run_event("START", at(0), run=dag_run_id(), job="dag", namespace="default", job_facets=facets),
        task_event("START", 1),
        task_event("FAIL", 2),
        dag_event("FAIL", 9, states, message="task_failure"),
    )
    load = f"/connections/{sender.connection.pk}/runs/{task_run_id('load')}"
    pages = {job.name: get(as_viewer, job) for job in Job.objects.of(sender.connection)}
    assert (
        story(pages["dag.report"])
        == "Upstream failed The latest run failed upstream. It never ran: load failed before it."
    )
    assert f'<a href="{load}">load</a>' in html_of(pages["dag.report"])
    assert story(pages["dag.clean"]).startswith("Skipped The latest run was skipped. Airflow skipped it")
    assert story(pages["dag"]).startswith("Failed The latest run failed after 9.0 s: A task failed. Failed in it: load")
    assert f'<a href="{load}">load</a>' in html_of(pages["dag"])
    (row,) = run_rows(pages["dag.report"])
    assert row.startswith("Upstream failed ")
    assert "1 h ago 2026-11-20 12:00:09 UTC never ran \N{EN DASH} \N{EN DASH}" in row
