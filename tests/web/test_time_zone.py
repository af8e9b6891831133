"""Pages are made, and their forms read, by the reader's clock: chosen, else the browser's, else UTC."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from tests.lineage.build import at, run_event
from tests.lineage.conftest import make_sender
from web.components.time_zones import in_utc, offset_words, zone_named

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("after_built_events")]


def page_of(client: Client, path: str) -> str:
    return re.sub(r"\s+", " ", client.get(path).content.decode())


def times_are_in(client: Client) -> str:
    return re.sub("<[^>]+>", "", page_of(client, "/runs").split('class="page-foot">')[1].split("</footer>")[0]).strip()


def test_the_browsers_zone_until_another_is_chosen(as_viewer: Client) -> None:
    assert times_are_in(as_viewer) == "Times are in UTC."
    as_viewer.cookies["browser-time-zone"] = "Asia/Calcutta"
    assert times_are_in(as_viewer) == "Times are in Asia/Calcutta (UTC+5:30)."
    assert " data-follows>" in page_of(as_viewer, "/runs")
    chosen = as_viewer.post("/time-zone", {"zone": "Europe/Berlin"})
    assert (chosen.status_code, chosen["Location"]) == (302, "/")
    assert times_are_in(as_viewer) == "Times are in Europe/Berlin (UTC+1)."
    assert " data-follows>" not in page_of(as_viewer, "/runs")
    assert "<option selected>Europe/Berlin</option>" in page_of(as_viewer, "/time-zone")
    as_viewer.post("/time-zone", {"zone": ""})
    assert times_are_in(as_viewer) == "Times are in Asia/Calcutta (UTC+5:30)."


@pytest.mark.parametrize("wrong", ["Europe/Atlantis", "../../etc/passwd", "America", "\0", "<b>"])
def test_what_is_no_zone(as_viewer: Client, wrong: str) -> None:
    refused = as_viewer.post("/time-zone", {"zone": wrong})
    assert refused.status_code == 422
    assert "time-zone" not in refused.cookies
    as_viewer.cookies["browser-time-zone"] = wrong
    assert times_are_in(as_viewer) == "Times are in UTC."


def test_times_and_filters_follow_one_clock_and_the_api_is_in_utc(as_viewer: Client) -> None:
    make_sender().send(run_event("START", at(0)), run_event("COMPLETE", at(60)))
    as_viewer.cookies["browser-time-zone"] = "Asia/Tokyo"
    html = page_of(as_viewer, "/runs")
    assert "<span>2026-11-20 21:00:00 +09:00</span><span>2026-11-20 12:00:00 UTC</span>" in html
    # Nine in the evening in Tokyo.
    for query, is_found in (
        ("from=2026-11-20T20:59&to=2026-11-20T21:01", True),
        ("from=2026-11-20T12:00", True),
        ("from=2026-11-20T21:01", False),
        # A link from a colleague: the form says by which clock its times are.
        ("from=2026-11-20T12:59&to=2026-11-20T13:01&tz=Europe/Berlin", True),
        ("from=2026-11-20T12:59Z", False),
    ):
        assert ("<tbody" in page_of(as_viewer, f"/runs?{query}")) == is_found, query
    filtered = page_of(as_viewer, "/runs?from=2026-11-20T12:59&tz=Europe/Berlin")
    assert 'name="from" value="2026-11-20T20:59"' in filtered
    assert "from=2026-11-20T11%3A59Z" in filtered
    assert as_viewer.get("/api/v1/runs").json()["results"][0]["started_at"] == "2026-11-20T12:00:00Z"
    assert as_viewer.get("/api/v1/runs?started_after=2026-11-20T12:01").json()["results"] == []


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-07-01T12:00", "2026-07-01T10:00:00Z"),
        ("2026-07-01T12:00:00+01:00", "2026-07-01T12:00:00+01:00"),
        ("yesterday", "yesterday"),
        ("0001-01-01T00:00", "0001-01-01T00:00"),
    ],
)
def test_a_forms_time_in_utc(text: str, utc: str) -> None:
    assert in_utc(text, "Europe/Berlin") == utc


@pytest.mark.parametrize(
    ("zone", "words"),
    [("America/St_Johns", "UTC-2:30"), ("Asia/Kolkata", "UTC+5:30"), ("Europe/London", "UTC+1"), ("UTC", "UTC")],
)
def test_how_far_a_clock_is_ahead(zone: str, words: str) -> None:
    named = zone_named(zone)
    assert named
    assert offset_words(named, datetime(2026, 7, 1, tzinfo=UTC)) == words


def test_a_time_that_the_readers_clock_shows_twice_is_no_error(as_viewer: Client) -> None:
    # Berlin had 2:30 twice on 25 October 2026: once in summer time, and once more an hour later.
    page = as_viewer.get("/runs?from=2026-10-25T02:30&tz=Europe/Berlin")
    assert page.status_code == 200
    assert as_viewer.get("/runs?from=2026-03-29T02:30&tz=Europe/Berlin").status_code == 200


@pytest.mark.parametrize(
    ("shown", "led_to"),
    [
        ("http://testserver/runs?state=FAILED#main", "/runs?state=FAILED"),
        ("http://testserver//elsewhere.test/x", "/"),
        ("http://elsewhere.test/runs", "/"),
    ],
)
def test_a_saved_zone_leads_to_the_page_itself_and_nowhere_else(as_viewer: Client, shown: str, led_to: str) -> None:
    headers = {"HX-Request": "true", "HX-Target": "dialog-content", "HX-Current-URL": shown}
    answer = as_viewer.post("/time-zone", {"zone": "Europe/Berlin"}, headers=headers)
    assert answer["HX-Redirect"] == led_to
