"""Events go by when they were received: a week as a whole, the others row by row."""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from lineage.models import Event
from lineage.upkeep import partitions, retention
from lineage.upkeep.maintenance import short_transaction
from lineage.upkeep.partitions import (
    DEFAULT,
    complete_weeks,
    delete_from_default,
    drop_week,
    monday_of,
    partition_names,
    start_of,
)
from lineage.upkeep.retention import drop_old_events, ensure_partitions
from tests.conftest import InThread
from tests.lineage.stored import (
    WEEK,
    drop_weeks_older_than,
    is_stored,
    make_week,
    partition_of,
    store,
    store_many,
    this_monday,
)

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
# Far from today, around which the migration made partitions.
MONDAY = datetime(2031, 1, 6, tzinfo=UTC)
# The week is over for exactly as long as events are kept.
NOW = MONDAY + WEEK + 90 * DAY


@pytest.fixture
def old_monday(transactional_db: None) -> Iterator[datetime]:
    """Monday of a week that ended, by the real clock, before all kept events. Its partition is removed afterwards."""
    yield this_monday() - 20 * WEEK
    drop_weeks_older_than((this_monday() - 6 * WEEK).date())


@pytest.mark.django_db
def test_a_week_goes_when_it_is_over_and_nothing_came_since() -> None:
    name, event = make_week(MONDAY), store(MONDAY + DAY)
    drop_old_events(NOW - SECOND)
    assert name in partition_names()
    assert is_stored(event)
    drop_old_events(NOW)
    assert name not in partition_names()
    assert not is_stored(event)


@pytest.mark.django_db
def test_a_late_event_keeps_its_week_for_the_whole_period() -> None:
    make_week(MONDAY)
    on_time, late = store(MONDAY + DAY), store(MONDAY + 2 * DAY, received_at=MONDAY + 31 * DAY)
    drop_old_events(MONDAY + 31 * DAY + 90 * DAY)
    assert is_stored(on_time)
    assert is_stored(late)
    drop_old_events(MONDAY + 31 * DAY + 90 * DAY + SECOND)
    assert not is_stored(on_time)
    assert not is_stored(late)


@pytest.mark.django_db
def test_a_week_without_events_goes_and_the_weeks_to_come_stay() -> None:
    ensure_partitions(MONDAY)
    behind = make_week(MONDAY - 30 * WEEK)
    drop_old_events(MONDAY)
    names = partition_names()
    assert behind not in names
    assert {f"lineage_event_{(MONDAY + week * WEEK):%Y_%m_%d}" for week in range(-5, 5)} <= names


@pytest.mark.django_db
def test_what_has_no_partition_goes_row_by_row_by_when_it_was_received(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "_PAGES", 1)
    ancient, distant = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    old = [store(time, received_at=NOW - 91 * DAY) for time in (ancient, distant, NOW - 400 * DAY)]
    kept = [store(time, received_at=NOW - 90 * DAY) for time in (ancient, distant, NOW - 400 * DAY)]
    store_many(300, ancient, NOW - 100 * DAY)
    assert {partition_of(event) for event in [*old, *kept]} == {DEFAULT}
    drop_old_events(NOW)
    assert set(Event.objects.values_list("id", flat=True)) == {event.id for event in kept}


@pytest.mark.django_db
def test_rows_go_in_short_steps_between_which_it_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "_PAGES", 1)
    store_many(1000, datetime(1970, 1, 1, tzinfo=UTC), NOW - 100 * DAY)
    deleted = delete_from_default(received_before=NOW, should_stop=lambda: Event.objects.count() < 1000)
    # A page holds some 60 of them.
    assert 0 < deleted < 100
    assert Event.objects.count() == 1000 - deleted
    assert delete_from_default(received_before=NOW, should_stop=lambda: False) == 1000 - deleted


@pytest.mark.django_db
def test_nothing_goes_where_events_are_kept_for_ever(settings: Settings) -> None:
    settings.EVENT_RETENTION_DAYS = 0
    name, event = make_week(MONDAY), store(datetime(1970, 1, 1, tzinfo=UTC))
    drop_old_events(NOW + 36_500 * DAY)
    assert name in partition_names()
    assert is_stored(event)


@pytest.mark.django_db
@pytest.mark.parametrize("days", [1, 7, 20, 90])
def test_what_is_dropped_is_not_made_again(settings: Settings, days: int) -> None:
    settings.EVENT_RETENTION_DAYS = days
    ensure_partitions(NOW)
    drop_old_events(NOW)
    first = partition_names()
    ensure_partitions(NOW)
    drop_old_events(NOW)
    assert partition_names() == first
    assert partition_of(store(NOW)) != DEFAULT


@pytest.mark.django_db
def test_what_was_dropped_is_not_made_again_when_events_are_to_be_kept_for_longer(settings: Settings) -> None:
    """A new partition would mean that no event of that week was ever dropped."""
    ensure_partitions(NOW)
    settings.EVENT_RETENTION_DAYS = 7
    drop_old_events(NOW)
    names, (start, _) = partition_names(), complete_weeks(NOW)
    settings.EVENT_RETENTION_DAYS = 365
    ensure_partitions(NOW)
    assert partition_names() == names
    assert complete_weeks(NOW)[0] == start > NOW - 2 * WEEK


@pytest.mark.django_db
def test_the_complete_weeks_end_where_one_was_dropped() -> None:
    ensure_partitions(MONDAY)
    make_week(MONDAY - 7 * WEEK)
    assert complete_weeks(MONDAY) == (MONDAY - 5 * WEEK, MONDAY + 5 * WEEK)
    make_week(MONDAY - 6 * WEEK)
    assert complete_weeks(MONDAY + 3 * DAY) == (MONDAY - 7 * WEEK, MONDAY + 5 * WEEK)
    assert complete_weeks(MONDAY + 52 * WEEK) == (MONDAY + 52 * WEEK,) * 2


@pytest.mark.django_db
def test_the_question_under_the_lock_does_not_read_the_partition() -> None:
    name = make_week(MONDAY)
    with database.cursor() as cursor:
        # Set by `make_week`, in what is here one transaction with the test's.
        cursor.execute("SET LOCAL statement_timeout = 0")
    store_many(100_000, MONDAY, MONDAY)
    with CaptureQueriesContext(database) as queries:
        assert not drop_week(MONDAY.date(), received_before=MONDAY)
    [asked] = [query["sql"] for query in queries if "received_at >=" in query["sql"]]
    with database.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + asked.replace("2031-01-06", "2031-01-07"))
        [([plan],)] = cursor.fetchall()
    pages = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    assert "Bitmap Index Scan" in str(plan)
    assert pages < 10
    assert name in partition_names()


def test_it_gives_up_before_it_keeps_others_waiting(old_monday: datetime, in_thread: InThread) -> None:
    make_week(old_monday)
    store(old_monday)
    with transaction.atomic():
        # A long report over all events, or a backup.
        assert Event.objects.count() == 1
        dropping = in_thread(drop_old_events, datetime.now(UTC))
        began = time.monotonic()
        in_thread(store, datetime.now(UTC)).result(timeout=10)
        in_thread(Event.objects.count).result(timeout=10)
        waited = time.monotonic() - began
        dropping.result(timeout=10)
        assert Event.objects.count() == 2
    assert waited < 2
    drop_old_events(datetime.now(UTC))
    assert Event.objects.count() == 1


def test_an_event_that_comes_between_the_look_and_the_lock_keeps_its_week(
    old_monday: datetime, in_thread: InThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = make_week(old_monday)
    on_time = store(old_monday)
    late = []

    def locking_after_an_event() -> AbstractContextManager[None]:
        late.append(in_thread(store, old_monday + DAY, received_at=datetime.now(UTC)).result(timeout=10))
        return short_transaction()

    monkeypatch.setattr(partitions, "short_transaction", locking_after_an_event)
    drop_old_events(datetime.now(UTC))
    assert name in partition_names()
    assert is_stored(on_time)
    assert is_stored(late[0])


def test_an_event_that_is_being_written_keeps_its_week(old_monday: datetime, in_thread: InThread) -> None:
    name = make_week(old_monday)
    with transaction.atomic():
        late = store(old_monday, received_at=datetime.now(UTC))
        in_thread(drop_old_events, datetime.now(UTC)).result(timeout=20)
    drop_old_events(datetime.now(UTC))
    assert name in partition_names()
    assert is_stored(late)


def test_late_events_that_come_while_their_weeks_are_dropped_are_kept(
    old_monday: datetime, in_thread: InThread
) -> None:
    """Writers meet no error and no event is lost, whether it came before its week was dropped, or after."""
    weeks = [old_monday - n * WEEK for n in range(8)]
    old = []
    for week in weeks:
        make_week(week)
        old.append(store(week))
    stop, stored = threading.Event(), []
    connection_id = uuid.uuid4()

    def send(week: datetime) -> None:
        while not stop.is_set():
            now = datetime.now(UTC)
            stored.append(store(week + (now - this_monday()), received_at=now, connection_id=connection_id))
            stored.append(store(now, connection_id=connection_id))

    # Half of the weeks get late events.
    sending = [in_thread(send, week) for week in weeks[::2]]
    try:
        for _ in range(3):
            for dropping in [in_thread(drop_old_events, datetime.now(UTC)) for _ in range(3)]:
                dropping.result(timeout=60)
    finally:
        stop.set()
    for future in sending:
        future.result(timeout=60)
    drop_old_events(datetime.now(UTC))
    kept = set(Event.objects.values_list("id", flat=True))
    assert {event.id for event in stored} <= kept
    for week, event in zip(weeks[1::2], old[1::2], strict=True):
        assert event.id not in kept
        assert partitions.name_of_week(week.date()) not in partition_names()


def test_a_week_that_somebody_reads_does_not_keep_the_others(old_monday: datetime, in_thread: InThread) -> None:
    names = [make_week(old_monday - n * WEEK) for n in range(3)]
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute(f"TABLE {names[1]}")
        in_thread(drop_old_events, datetime.now(UTC)).result(timeout=20)
        assert set(names) & partition_names() == {names[1]}
    drop_old_events(datetime.now(UTC))
    assert not set(names) & partition_names()


@pytest.mark.django_db
def test_a_week_of_which_too_much_came_before_is_left_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moving it would keep writers waiting. The weeks that follow get their partitions."""
    monkeypatch.setattr(partitions, "MOVABLE", 3)
    store_many(4, MONDAY, MONDAY)
    ensure_partitions(MONDAY)
    names = partition_names()
    assert "lineage_event_2031_01_06" not in names
    assert {"lineage_event_2030_12_30", "lineage_event_2031_01_13"} <= names
    assert partition_of(store(MONDAY)) == DEFAULT


@pytest.mark.parametrize(
    ("moment", "monday"),
    [
        (MONDAY, date(2031, 1, 6)),
        (MONDAY + WEEK - SECOND, date(2031, 1, 6)),
        (MONDAY - SECOND, date(2030, 12, 30)),
    ],
)
def test_the_week_of_a_moment_begins_on_monday(moment: datetime, monday: date) -> None:
    assert monday_of(moment) == monday
    assert start_of(monday) <= moment < start_of(monday) + WEEK


@pytest.mark.parametrize(("days", "oldest"), [(0, None), (1, NOW - DAY), (36_500, NOW - 36_500 * DAY)])
def test_the_setting_is_in_days(settings: Settings, days: int, oldest: datetime | None) -> None:
    settings.EVENT_RETENTION_DAYS = days
    assert retention.oldest_kept(NOW) == oldest
