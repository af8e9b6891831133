"""`make demo`: sample data is sent to the real intake, once, and every page has something to show."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from connections.actions import create_connection
from connections.models import ApiKey, Attempt, Connection, WorkspaceKey
from lineage.models import Dataset, Edge, Event, Job, Mark, Run
from lineage.runs.facets_of_run import read_run
from lineage.states.deadlines import sweep
from quickstart.demo.send import SAMPLE_SOURCES, send_demo
from tests.live_server import wait_until_settled
from tests.serving import LiveServer


def test_every_page_has_something_to_show(server: LiveServer) -> None:
    sent = send_demo(server.url, is_wanted=lambda: True)
    sweep(timezone.now())

    assert Event.objects.count() == sent
    assert not Mark.objects.exists()
    assert Attempt.objects.filter(outcome=Attempt.Outcome.REJECTED).count() == 0
    assert set(Connection.objects.values_list("type", flat=True)) == set(Connection.Type.values)
    assert set(Job.objects.values_list("kind", flat=True)) >= {"DAG", "TASK", "MODEL", "TEST", "APPLICATION", "JOB"}
    states = Counter(Run.objects.shown().values_list("shown_state", flat=True))
    assert min(states[state] for state in ("RUNNING", "COMPLETED", "FAILED", "LOST")) > 0
    assert Run.objects.filter(state="FAILED").exclude(error_message=None).exists()
    assert Run.objects.filter(attempt=2).exists(), "no task was tried again"
    assert Run.objects.filter(orchestrator_run_id__startswith="scheduled__").exists()
    assert Run.objects.filter(orchestrator_run_id__startswith="manual__", state="RUNNING").exists()
    assert Job.objects.in_state("RUNNING").filter(latest_run_at__gt=timezone.now() - timedelta(minutes=10)).exists()
    assert Job.objects.in_state("LOST").exists()
    revenue = Job.objects.get(name="daily_revenue")
    assert (revenue.owners, revenue.schedule, revenue.schedule_timezone) == (["finance-data"], "30 7 * * *", "UTC")
    assert revenue.tags == ["finance", "report", "tier:1"]
    task = Run.objects.filter(job__name="daily_revenue.build_report")[0]
    assert [link.title for link in read_run(task).contents.links] == ["Airflow task log"]
    assert Dataset.objects.filter(described=True).exists()
    assert set(Edge.objects.values_list("direction", flat=True)) == {"READS", "WRITES"}


def test_it_covers_two_weeks_and_nothing_of_the_future(server: LiveServer) -> None:
    send_demo(server.url, is_wanted=lambda: True)
    times = Event.objects.values_list("event_time", flat=True)

    assert timezone.now() - timedelta(days=16) < min(times) < timezone.now() - timedelta(days=12)
    assert max(times) <= timezone.now()


def test_a_second_start_sends_nothing(server: LiveServer) -> None:
    sent = send_demo(server.url, is_wanted=lambda: True)

    assert send_demo(server.url, is_wanted=lambda: True) == 0
    assert Event.objects.count() == sent
    assert ApiKey.objects.count() == len(SAMPLE_SOURCES)


def test_an_interrupted_start_leaves_no_key_and_the_next_one_sends_the_rest(server: LiveServer) -> None:
    patience = iter([True, False])
    send_demo(server.url, is_wanted=lambda: next(patience, False))
    assert ApiKey.objects.count() == 0
    interrupted = Event.objects.count()

    send_demo(server.url, is_wanted=lambda: True)

    assert Event.objects.count() > interrupted
    assert Connection.objects.count() == len(SAMPLE_SOURCES)


def test_the_same_story_is_told_at_every_start() -> None:
    now = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
    for source in SAMPLE_SOURCES:
        assert list(source.events(now)) == list(source.events(now))
        later = list(source.events(now + timedelta(days=1)))
        assert len(later) == len(list(source.events(now)))


def test_no_event_is_of_the_future_whatever_the_hour() -> None:
    for hour in range(24):
        now = datetime(2026, 3, 4, hour, 30, tzinfo=UTC)
        for source in SAMPLE_SOURCES:
            assert max(datetime.fromisoformat(event["eventTime"]) for event in source.events(now)) <= now


def test_a_case_goes_to_a_connection_or_under_a_namespace(server: LiveServer) -> None:
    now = timezone.now()
    for name in ("eu", "us"):
        create_connection(name=name, type="openlineage", created_by=None, now=now)
    said = StringIO()

    call_command("send_sample_events", connection="EU", url=server.url, stdout=said)
    call_command("send_sample_events", namespace="us", url=server.url, stdout=said)
    with pytest.raises(CommandError, match="No connection takes events of the namespace 'nowhere'"):
        call_command("send_sample_events", namespace="nowhere", url=server.url)
    with pytest.raises(CommandError, match="no connection with the name nobody"):
        call_command("send_sample_events", connection="nobody", url=server.url)

    wait_until_settled()
    counts = {name: Event.objects.filter(connection__name=name).count() for name in ("eu", "us")}
    assert said.getvalue() == f"Sent {counts['eu']} events.\nSent {counts['us']} events.\n"
    assert counts["eu"] > 50
    assert set(Job.objects.filter(connection__name="us").values_list("namespace", flat=True)) == {"us"}
    assert not ApiKey.objects.exists()
    assert not WorkspaceKey.objects.exists()
