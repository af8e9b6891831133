"""Links from the pages of a run and of its job to the sender's own pages."""

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from lineage.models import Job
from tests.lineage.build import at, run_event
from tests.lineage.conftest import Sender, make_sender

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("after_sample_events")]

SCHEMA = {"_producer": "https://example.com", "_schemaURL": "https://example.com/schema"}
RUN = "00000000-0000-0000-0000-000000000001"
LATER_RUN = "00000000-0000-0000-0000-000000000002"


@pytest.fixture
def sender() -> Sender:
    return make_sender()


def pages(client: Client) -> list[str]:
    """The pages of the run and of its job."""
    job = Job.objects.get()
    of_connection = f"/connections/{job.connection_id}"
    responses: list[Any] = [client.get(f"{of_connection}/{path}") for path in (f"runs/{RUN}", f"jobs/{job.id}")]
    assert [response.status_code for response in responses] == [200, 200]
    return [response.content.decode() for response in responses]


def test_it_links_to_its_log_and_so_does_its_job(as_viewer: Client, sender: Sender) -> None:
    url = "https://airflow.example/log?a=1&b=2"
    sender.send(run_event("START", run_facets={"airflow": {**SCHEMA, "taskInstance": {"log_url": url}}}))
    for html in pages(as_viewer):
        [(found, rel)] = re.findall(r'<a href="([^"]*)" rel="([^"]*)">Airflow task log', html)
        assert unescape(found) == url
        assert set(rel.split()) == {"noreferrer", "noopener", "nofollow"}


def test_a_job_links_to_the_pages_of_its_latest_run(as_viewer: Client, sender: Sender) -> None:
    for number, run in enumerate((RUN, LATER_RUN)):
        instance = {"log_url": f"https://airflow.example/{number}"}
        sender.send(
            run_event("START", at(number), run=run, run_facets={"airflow": {**SCHEMA, "taskInstance": instance}})
        )
    assert re.findall(r"https://airflow.example/\d", pages(as_viewer)[1]) == ["https://airflow.example/1"]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,<script>alert(1)</script>"])
def test_it_links_to_nothing_but_http(as_viewer: Client, sender: Sender, url: str) -> None:
    facets = {"airflow": {**SCHEMA, "taskInstance": {"log_url": url}}, "externalQuery": {"externalQueryId": url}}
    sender.send(run_event("START", run_facets=facets))
    for html in pages(as_viewer):
        hrefs = re.findall(r'href="([^"]*)"', html)
        assert not [href for href in hrefs if href.startswith(("javascript:", "data:"))]
