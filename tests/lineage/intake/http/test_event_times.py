"""Events of any time find a home: sent over HTTP, they are stored, and shown by the API and on the pages."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import requests
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from lineage.models import Event, Run
from lineage.upkeep.partitions import DEFAULT
from tests.lineage.build import run_event
from tests.lineage.stored import partition_of
from tests.live_server import Sender
from tests.serving import LiveServer

DAY = timedelta(days=1)
# The time of an event, seen from now; and True if its week has a partition.
MOMENTS: dict[str, tuple[Callable[[datetime], datetime], bool]] = {
    "now": (lambda now: now, True),
    "24 h ahead": (lambda now: now + DAY, True),
    "4 weeks ahead": (lambda now: now + 28 * DAY, True),
    "30 days late": (lambda now: now - 30 * DAY, True),
    "a year late": (lambda now: now - 365 * DAY, False),
    "a year ahead": (lambda now: now + 365 * DAY, False),
    "1970": (lambda _: datetime(1970, 1, 1, tzinfo=UTC), False),
    "before 1970": (lambda _: datetime(1815, 12, 10, tzinfo=UTC), False),
    "year 1": (lambda _: datetime(1, 1, 1, tzinfo=UTC), False),
    "year 9999": (lambda _: datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), False),
}


@pytest.fixture
def reader(client: Client, viewer: User) -> Client:
    client.force_login(viewer)
    return client


@pytest.mark.parametrize("when", MOMENTS)
def test_it_is_stored_and_shown(server: LiveServer, sender: Sender, reader: Client, when: str) -> None:
    moment, has_partition = MOMENTS[when]
    time, run = moment(timezone.now()), str(uuid.uuid4())
    body = run_event("START", time.isoformat(), run=run, job="of any time")
    answers = [
        requests.post(server.endpoint(sender.connection.pk), body, headers=sender.headers, timeout=30) for _ in range(2)
    ]
    assert [(answer.status_code, answer.json()["outcome"]) for answer in answers] == [(201, "stored"), (200, "repeat")]

    event, row = Event.objects.get(), Run.objects.get()
    assert event.event_time == row.started_at == time
    # Sorted by no later time than that of its receipt.
    assert row.run_at == min(time, event.received_at + timedelta(minutes=5))
    assert (partition_of(event) != DEFAULT) == has_partition

    listed = reader.get(f"/api/v1/connections/{sender.connection.pk}/runs").json()["results"]
    assert [(item["id"], datetime.fromisoformat(item["started_at"])) for item in listed] == [(run, time)]
    events = reader.get(f"/api/v1/runs/{run}/events").json()
    assert [datetime.fromisoformat(item["event_time"]) for item in events["results"]] == [time]
    assert events["dropped_events"] == 0
    for page in (f"/connections/{sender.connection.pk}", "/runs"):
        shown = reader.get(page)
        assert (shown.status_code, "of any time" in shown.content.decode()) == (200, True), page
