"""What must hold of whatever is stored: the rows agree with one another, can be shown, and come out the same in any
order of the events."""

import itertools
import json
import random
from collections import Counter
from datetime import UTC, datetime

from django.test import Client

from connections.models import Connection
from lineage.digest.digest import Submission, digest
from lineage.events import decode_event
from lineage.models import Activity, Dataset, Edge, Event, Job, Run
from lineage.models.job_queryset import JOB_SORT_KEYS
from lineage.states.settle import settle
from tests.lineage.settling import settle_rows
from tests.lineage.shown import assert_shown_as_the_rules_say
from tests.lineage.state import projection
from tests.live_server import Sender, wait_until_settled

MAX_GROUP = 500
EARLY = datetime(1, 1, 2, tzinfo=UTC)


def check_rows(connection: Connection) -> None:
    events = Event.objects.of(connection)
    counts = Counter(events.filter(kind=Event.Kind.RUN).values_list("subject_id", flat=True))
    runs = list(Run.objects.of(connection))
    assert {run.id: run.event_count for run in runs if not run.told_state} == counts
    # Of a DAG run that was cleared, its events say when it started.
    by_their_events = [run for run in runs if run.invocation_id is None]
    assert all(run.first_event_at <= run.run_at <= run.last_event_at for run in by_their_events)

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
    for run in Run.objects.of(connection).order_by("id")[:documents]:
        content = _get(client, f"/api/v1/runs/{run.id}/events?page_size=500")
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
    """The events again, shuffled and in other groups, into the same connection: ties fall by ids that hash it.

    As long as nothing is lost: what is depends on when it is looked for.
    """
    settle_rows(sender.connection.id, EARLY)
    expected = projection(sender.connection.id)
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
        decoded = [decode_event(body.encode()) for body in events.values_list("body", flat=True)]
        rng.shuffle(decoded)
        events.delete()
        [receipt] = digest([Submission(sender.connection.id, sender.api_key.id, decoded)], now=EARLY)
        assert receipt.stored == len(group)
        settle(sender.connection.id, now=EARLY)
    found = projection(sender.connection.id)
    for table, expected_rows in expected.items():
        assert found[table] == expected_rows, table
