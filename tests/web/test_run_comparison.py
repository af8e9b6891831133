"""A run's page leads to the runs before and after it, and compares it with the last good one."""

from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from tests.lineage.build import at, dataset, run_event
from tests.lineage.conftest import Sender, make_sender
from tests.web.test_run import get, html_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("after_built_events")]
GOOD, BAD, LAST = (str(UUID(int=number)) for number in (1, 2, 3))


def written(name: str, rows: int) -> dict[str, Any]:
    return dataset(name) | {"outputFacets": {"outputStatistics": {"rowCount": rows}}}


@pytest.fixture
def sender() -> Sender:
    sender = make_sender()
    sender.send(
        run_event("START", at(0), run=GOOD),
        run_event("COMPLETE", at(60), run=GOOD, outputs=[written("orders", 200), written("report", 7)]),
        run_event("START", at(100), run=BAD),
        run_event("FAIL", at(220), run=BAD, outputs=[written("orders", 100)]),
        run_event("START", at(300), run=LAST),
    )
    return sender


def test_previous_next_and_the_way_to_the_comparison(as_viewer: Client, sender: Sender) -> None:
    page = html_of(get(as_viewer, sender, BAD))
    place = f"/connections/{sender.connection.pk}/runs/"
    assert f'href="{place}{GOOD}"' in page
    assert f'href="{place}{LAST}"' in page
    assert f'href="{place}{BAD}?compare=good"' in page


def test_the_comparison(as_viewer: Client, sender: Sender) -> None:
    page = " ".join(html_of(get(as_viewer, sender, BAD, "?compare=good")).split())
    assert "Compared with" in page
    assert "2.0 \N{MULTIPLICATION SIGN}" in page
    assert "not written" in page
    assert "100 rows" in page
    assert "\N{MINUS SIGN}50 %" in page


def test_without_a_good_run(as_viewer: Client, sender: Sender) -> None:
    first = html_of(get(as_viewer, sender, GOOD))
    assert "compare=good" not in first
    assert "No earlier run of this job completed." in html_of(get(as_viewer, sender, GOOD, "?compare=good"))
