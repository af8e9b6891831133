"""Runs go with their events, but for the latest of each job; what jobs say of their runs stays right."""

import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.db.models import Count, Q

from lineage.models import Change, Check, Event, Job, Measure, Run
from lineage.states.job_counts import lock_jobs
from lineage.upkeep import retention
from lineage.upkeep.retention import drop_old_events, drop_old_runs, ensure_partitions
from tests.conftest import InThread
from tests.lineage.build import dataset, run_event
from tests.lineage.conftest import Sender
from tests.lineage.shown import assert_shown_as_the_rules_say
from tests.lineage.stored import WEEK, drop_weeks_older_than, make_week, this_monday

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# Far from today, around which the migration made partitions.
MONDAY = datetime(2031, 1, 6, tzinfo=UTC)
NOW = MONDAY + 20 * WEEK


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 3)


def run_of(sender: Sender, start: datetime, *types: str, job: str = "job", received_at: datetime | None = None) -> str:
    """A run that began then and has one event of each type, an hour apart, each received as it took place."""
    run = str(uuid.uuid4())
    for hour, type_ in enumerate(types):
        time = start + hour * HOUR
        sender.send(run_event(type_, time.isoformat(), run=run, job=job), now=received_at or time)
    return run


def runs() -> set[str]:
    return {str(id_) for id_ in Run.objects.values_list("run_id", flat=True)}


def drop(now: datetime = NOW) -> None:
    drop_old_events(now)
    drop_old_runs(now)


@pytest.fixture
def weeks(db: None) -> None:
    """Partitions of a half year, of which half is too old at NOW."""
    for week in range(20):
        make_week(MONDAY + week * WEEK)
    ensure_partitions(NOW)


@pytest.mark.usefixtures("weeks")
def test_runs_go_with_their_events_but_for_the_latest_of_each_job(sender: Sender) -> None:
    old = [run_of(sender, MONDAY + n * HOUR, "START", "COMPLETE") for n in range(10)]
    latest_of_another = run_of(sender, MONDAY, "START", "FAIL", job="another")
    young = run_of(sender, NOW - DAY, "START")
    assert len(runs()) == 12
    drop()
    assert runs() == {young, latest_of_another}
    assert not set(old) & runs()
    assert_shown_as_the_rules_say(sender.connection.id)
    job = Job.objects.get(name="another")
    assert (str(job.latest_run_sent_id), job.latest_run_state) == (latest_of_another, "FAILED")


@pytest.mark.usefixtures("weeks")
def test_a_job_no_longer_counts_running_runs_that_went(sender: Sender) -> None:
    for n in range(5):
        run_of(sender, MONDAY + n * HOUR, "START")
    run_of(sender, NOW - DAY, "START", "COMPLETE")
    assert Job.objects.get().running_runs == 5
    drop()
    assert Job.objects.get().running_runs == 0


@pytest.mark.usefixtures("weeks")
def test_a_run_of_which_an_event_is_stored_stays_whole(sender: Sender) -> None:
    """The run began in a dropped week and ended in a kept one."""
    oldest = NOW - 90 * DAY
    run = run_of(sender, MONDAY, "START")
    sender.send(run_event("COMPLETE", (oldest + WEEK).isoformat(), run=run), now=oldest + WEEK)
    run_of(sender, NOW - DAY, "START")
    before = Run.objects.values().get(run_id=run)
    drop()
    assert Event.objects.filter(subject_id=before["id"]).count() == 1
    assert Run.objects.values().get(run_id=run) == before


@pytest.mark.usefixtures("weeks")
def test_a_run_of_long_ago_that_was_received_lately_stays_as_long_as_its_events(sender: Sender) -> None:
    long_ago = datetime(2019, 5, 5, tzinfo=UTC)
    late = [run_of(sender, long_ago + n * HOUR, "START", "COMPLETE", received_at=NOW - 80 * DAY) for n in range(5)]
    run_of(sender, NOW - DAY, "START")
    drop()
    assert set(late) <= runs()
    drop(NOW + 11 * DAY)
    assert not set(late) & runs()


@pytest.mark.usefixtures("weeks")
def test_runs_of_a_clock_that_is_ahead_go_as_well(sender: Sender) -> None:
    ahead = [run_of(sender, NOW + 3000 * DAY + n * HOUR, "START", received_at=NOW - DAY) for n in range(5)]
    run_of(sender, NOW - DAY, "START")
    drop()
    assert set(ahead) <= runs()
    drop(NOW + 95 * DAY)
    assert len(set(ahead) & runs()) == 1, "the job's latest: all are believed to have begun when they were received"
    assert_shown_as_the_rules_say(sender.connection.id)


@pytest.mark.usefixtures("weeks")
def test_each_connection_is_looked_after(new_sender: Callable[[], Sender]) -> None:
    senders = [new_sender() for _ in range(3)]
    for sender in senders:
        run_of(sender, MONDAY, "START")
        run_of(sender, NOW - DAY, "START")
    drop()
    assert list(Run.objects.values_list("connection_id").annotate(runs=Count("id")).values_list("runs", flat=True)) == [
        1,
        1,
        1,
    ]


@pytest.mark.usefixtures("weeks")
def test_it_can_be_stopped_between_two_steps(sender: Sender) -> None:
    for n in range(10):
        run_of(sender, MONDAY + n * HOUR, "START")
    run_of(sender, NOW - DAY, "START")
    drop_old_events(NOW)
    steps = iter([False, False, True])
    drop_old_runs(NOW, should_stop=lambda: next(steps))
    assert len(runs()) == 11 - 2 * 3
    assert_shown_as_the_rules_say(sender.connection.id)
    drop_old_runs(NOW)
    assert len(runs()) == 1


@pytest.fixture
def old_week(transactional_db: None) -> Iterator[datetime]:
    """Monday of a week, by the real clock, that has no partition any more."""
    yield this_monday() - 20 * WEEK
    drop_weeks_older_than((this_monday() - 6 * WEEK).date())


def test_an_event_that_comes_for_a_run_that_goes_is_not_lost(
    old_week: datetime, new_sender: Callable[[], Sender], in_thread: InThread
) -> None:
    """The run exists afterwards, with at least this event, in either order."""
    sender, now = new_sender(), datetime.now(UTC)
    names = [str(uuid.uuid4()) for _ in range(30)]
    for run in names:
        sender.send(run_event("START", old_week.isoformat(), run=run), now=now)
    sender.send(run_event("START", now.isoformat(), run=str(uuid.uuid4())), now=now)
    Event.objects.filter(event_time=old_week).delete()
    ready = threading.Barrier(2)

    def send() -> None:
        ready.wait(10)
        for run in names[::2]:
            sender.send(run_event("COMPLETE", (old_week + HOUR).isoformat(), run=run), now=now)

    def drop_all() -> None:
        ready.wait(10)
        drop_old_runs(now)

    for future in [in_thread(send), in_thread(drop_all)]:
        future.result(timeout=30)
    drop_old_runs(now)
    heard, others = Q(run_id__in=names[::2]), Q(run_id__in=names[1::2])
    assert Run.objects.filter(heard, terminal_type="COMPLETE").count() == 15
    assert not Run.objects.filter(others).exists()
    assert_shown_as_the_rules_say(sender.connection.id)


def test_a_job_that_the_intake_is_writing_is_waited_for(
    old_week: datetime, new_sender: Callable[[], Sender], in_thread: InThread
) -> None:
    """The run must stay, although its new event is not visible yet."""
    sender, now, run = new_sender(), datetime.now(UTC), str(uuid.uuid4())
    sender.send(run_event("START", old_week.isoformat(), run=run), now=now)
    sender.send(run_event("START", now.isoformat(), run=str(uuid.uuid4())), now=now)
    Event.objects.filter(event_time=old_week).delete()
    event = run_event("COMPLETE", (old_week + HOUR).isoformat(), run=run)
    with transaction.atomic():
        lock_jobs(list(Job.objects.values_list("connection_id", "id")))
        dropping = in_thread(drop_old_runs, now)
        while not _somebody_waits():
            assert not dropping.done()
        sender.send(event, now=now)
    dropping.result(timeout=10)
    row = Run.objects.get(run_id=run)
    assert (row.state, row.started_at) == ("COMPLETED", old_week)


def _somebody_waits() -> bool:
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        [(count,)] = cursor.fetchall()
    return bool(count)


def lineage_event(sender: Sender, time: datetime, type_: str, **fields: Any) -> None:
    sender.send(run_event(type_, time.isoformat(), run=str(uuid.uuid4()), **fields), now=time)


@pytest.mark.usefixtures("weeks")
def test_the_latest_run_that_named_datasets_stays(sender: Sender) -> None:
    """Later runs of the job failed before they named any."""
    named = {"outputs": [dataset("orders")]}
    for n in range(3):
        lineage_event(sender, MONDAY + n * HOUR, "COMPLETE", **named)
    for n in range(3):
        lineage_event(sender, MONDAY + n * DAY, "FAIL")
    lineage_event(sender, NOW - DAY, "FAIL")
    drop()
    kept = list(Run.objects.order_by("run_at"))
    assert [(run.run_at, bool(run.edge_ids)) for run in kept] == [(MONDAY + 2 * HOUR, True), (NOW - DAY, False)]


@pytest.mark.usefixtures("weeks")
def test_results_go_with_their_runs_but_for_the_last_change_of_a_dataset(sender: Sender) -> None:
    facets: dict[str, Any] = {
        "lifecycleStateChange": {"lifecycleStateChange": "TRUNCATE"},
        "dataQualityMetrics": {"rowCount": 0},
        "dataQualityAssertions": {"assertions": [{"assertion": "unique", "success": True}]},
    }
    for n in range(3):
        lineage_event(sender, MONDAY + n * HOUR, "COMPLETE", outputs=[dataset("orders", **facets)])
    lineage_event(sender, NOW - DAY, "COMPLETE", outputs=[dataset("other")])
    drop()
    assert Change.objects.get().at == MONDAY + 2 * HOUR
    assert not Measure.objects.exists()
    assert not Check.objects.exists()
