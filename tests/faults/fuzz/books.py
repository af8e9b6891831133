"""Conditions for any stored data: rows agree with each other, can be shown, and do not depend on the order of the
events."""

import itertools
import json
import random
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from django.test import Client

from connections.models import Connection
from lineage.digest.digest import Submission, digest
from lineage.events import Event as DecodedEvent
from lineage.events import decode_event
from lineage.events.clocks import MOST_AHEAD
from lineage.models import Activity, Dataset, Edge, Event, Job, Run
from lineage.models.job_queryset import JOB_SORT_KEYS
from tests.lineage.settling import settle_rows
from tests.lineage.shown import assert_shown_as_the_rules_say
from tests.lineage.state import projection
from tests.live_server import Sender, wait_until_settled

MAX_GROUP = 500
EARLY = datetime(1, 1, 2, tzinfo=UTC)


def check_rows(connection: Connection) -> None:
    events = Event.objects.of(connection)
    counts = Counter(events.filter(kind=Event.Kind.RUN).values_list("subject_id", flat=True))
    runs = list(Run.objects.of(connection).filter(joined_ids=None))
    assert {run.id: run.event_count for run in runs if not run.state_from_parent} == counts
    # Of a DAG run that was cleared, its events say when it started.
    by_their_events = [run for run in runs if run.invocation_id is None]
    # The receipt bounds what is believed of a clock that is ahead.
    assert all(
        run.received_at and min(run.first_event_at, run.received_at + MOST_AHEAD) <= run.run_at <= run.last_event_at
        for run in by_their_events
    )

    jobs = set(Job.objects.of(connection).values_list("id", flat=True))
    assert {run.job_id for run in runs} <= jobs
    wait_until_settled()
    assert_shown_as_the_rules_say(connection.pk)

    edges = list(Edge.objects.of(connection))
    assert {edge.job_id for edge in edges} <= jobs
    assert {edge.dataset_id for edge in edges} <= set(Dataset.objects.of(connection).values_list("id", flat=True))


def check_readers(client: Client, connection: Connection, *, documents: int) -> None:
    """Pages and API show all of it; of that many runs the API gives the documents back as they came."""
    for path in ("jobs", "runs"):
        _read_all(client, f"/api/v1/connections/{connection.id}/{path}?page_size=500")
    _read_all(client, "/api/v1/datasets?page_size=500")
    for run in Run.objects.of(connection).filter(joined_ids=None).order_by("id")[:documents]:
        instance = "" if run.map_index is None else f"&map_index={run.map_index}"
        content = _get(client, f"/api/v1/runs/{run.run_id}/events?page_size=500&job={run.job_id}{instance}")
        bodies = (
            Event.objects.of(connection).filter(subject_id=run.id, kind=Event.Kind.RUN).values_list("body", flat=True)
        )
        assert all(body.encode() in content for body in bodies[:500])

    overview = f"/connections/{connection.id}"
    pages = range(1, Job.objects.of(connection).count() // 50 + 2)
    shown = [f"page={page}" for page in pages]
    shown += [f"sort={direction}{key}" for key, direction in itertools.product(JOB_SORT_KEYS, ("", "-"))]
    for path in ("/connections", f"{overview}/settings", *(f"{overview}?{query}" for query in shown)):
        _get(client, path)


def _read_all(client: Client, url: str | None) -> None:
    while url:
        url = json.loads(_get(client, url))["next"]


def _get(client: Client, url: str) -> bytes:
    response = client.get(url)
    assert response.status_code == 200, url
    return response.content


def check_any_order(sender: Sender, rng: random.Random) -> None:
    """Digest the events again, shuffled and in other groups, in one connection: ids that hash it decide between equals.

    Only runs that are not lost are comparable, because a loss depends on the time of the check.
    """
    settle_rows(sender.connection.id, EARLY)
    expected = _comparable_rows(sender.connection)
    rows = list(Event.objects.of(sender.connection).values_list("event_time", "id"))
    rng.shuffle(rows)
    groups = []
    while rows:
        group = [rows.pop() for _ in range(min(len(rows), rng.choice([1, 20, MAX_GROUP])))]
        groups.append(group)
    for model in (Job, Run, Dataset, Edge, Activity):
        model.objects.filter(connection=sender.connection).delete()
    for group in groups:
        events = Event.objects.of(sender.connection).filter(
            event_time__in=[time for time, _ in group], id__in=[id_ for _, id_ in group]
        )
        # Rows hold the receipts of their events, so each event is received when it was.
        decoded: dict[datetime, list[DecodedEvent]] = {}
        for received_at, body in events.values_list("received_at", "body"):
            decoded.setdefault(received_at, []).append(decode_event(body.encode()))
        events.delete()
        for received_at, of_moment in decoded.items():
            rng.shuffle(of_moment)
            [receipt] = digest([Submission(sender.api_key.voucher, of_moment)], now=received_at)
            assert receipt.stored == len(of_moment)
    settle_rows(sender.connection.id, EARLY)
    found = _comparable_rows(sender.connection)
    for table, expected_rows in expected.items():
        assert found[table] == expected_rows, table


def _comparable_rows(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Read the rows that events make, without the receipts of reported tasks.

    If two servers receive one event at one instant, the row of a task that it reports has the earlier receipt, and
    the stored event that of the first commit.
    """
    rows = projection(connection.id)
    for run in rows["Run"]:
        if run["event_count"] == 0:
            del run["received_at"]
    return rows
