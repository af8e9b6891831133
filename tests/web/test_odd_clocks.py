"""Pages show when an event was received in place of a time that cannot be right."""

import re
from html import unescape

import pytest
from django.test import Client

from lineage.models import Job
from tests.lineage.build import at, run_event
from tests.lineage.conftest import Sender, make_sender

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("after_sample_events")]

RUN = "00000000-0000-0000-0000-000000000001"
ABOVE = "00000000-0000-0000-0000-000000000002"
CHILD = {"parent": {"run": {"runId": ABOVE}, "job": {"namespace": "namespace", "name": "above"}}}


@pytest.fixture
def sender() -> Sender:
    return make_sender()


def text_of(client: Client, path: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", client.get(path).content.decode())).split())


@pytest.mark.parametrize("odd", ["0001-01-01 00:00:00", "1970-01-01 00:00:00", "2099-12-31 23:59:59"])
@pytest.mark.parametrize(
    "page", ["/runs", "/connections/{connection}/runs/{run}", "/connections/{connection}/jobs/{job}"]
)
def test_an_impossible_start(as_viewer: Client, sender: Sender, odd: str, page: str) -> None:
    sender.send(run_event("START", odd.replace(" ", "T") + "Z"), run_event("COMPLETE", at(0)))
    path = page.format(connection=sender.connection.pk, run=RUN, job=Job.objects.get().id)
    shown = text_of(as_viewer, path)
    assert f"received just now 2026-11-21 06:00:00 UTC clock of the sender: {odd} UTC" in shown
    assert "unknown" in shown


@pytest.mark.parametrize("page", ["/runs", "/connections/{connection}/runs/{run}"])
def test_a_possible_time_is_shown_as_it_was_sent(as_viewer: Client, sender: Sender, page: str) -> None:
    sender.send(run_event("START", at(0)), run_event("COMPLETE", at(1)))
    assert "clock of the sender" not in text_of(as_viewer, page.format(connection=sender.connection.pk, run=RUN))


def test_the_jobs_of_a_connection(as_viewer: Client, sender: Sender) -> None:
    sender.send(run_event("START", "2099-12-31T23:59:59Z"))
    shown = text_of(as_viewer, f"/connections/{sender.connection.pk}")
    assert "received just now 2026-11-21 06:00:00 UTC clock of the sender: 2099-12-31 23:59:59 UTC" in shown


@pytest.mark.parametrize("odd", ["0001-01-01 00:00:00", "2099-12-31 23:59:59"])
def test_the_end_of_a_job_s_latest_run(as_viewer: Client, sender: Sender, odd: str) -> None:
    sender.send(run_event("START", at(0)), run_event("COMPLETE", odd.replace(" ", "T") + "Z"))
    shown = text_of(as_viewer, f"/connections/{sender.connection.pk}")
    assert f"received just now 2026-11-21 06:00:00 UTC clock of the sender: {odd} UTC" in shown


@pytest.mark.parametrize("odd", ["0001-01-01T00:00:00Z", "2099-12-31T23:59:59Z"])
def test_the_timeline_is_not_stretched(as_viewer: Client, sender: Sender, odd: str) -> None:
    """The bar of a child that ran for a third of the time until the receipt keeps its width."""
    sender.send(
        run_event("START", at(0), run=ABOVE, job="above"),
        run_event("COMPLETE", at(40000), run=ABOVE, job="above"),
        *(run_event(type_, odd, job="odd", run_facets=CHILD) for type_ in ("START", "COMPLETE")),
        *(
            run_event(type_, time, run=RUN[:-1] + "3", job="sane", run_facets=CHILD)
            for type_, time in (("START", at(0)), ("COMPLETE", at(20000)))
        ),
    )
    page = as_viewer.get(f"/connections/{sender.connection.pk}/runs/{ABOVE}").content.decode()
    widths = sorted(float(width) for width in re.findall(r'<rect [^>]*width="([0-9.]+)%"', page))
    assert any(25 < width < 35 for width in widths), widths
