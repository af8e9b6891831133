"""The weekly partitions of the events: made ahead, by anybody, without stopping who writes."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, transaction
from django.db import connection as database
from pytest_django import DjangoAssertNumQueries

from lineage.models import Event
from lineage.upkeep.partitions import partition_names
from lineage.upkeep.retention import ensure_partitions
from tests.conftest import InThread
from tests.lineage.stored import partition_of, store

# Far from today, where the migration made its own.
NOW = datetime(2031, 1, 1, 12, tzinfo=UTC)  # a Wednesday
MONDAYS = [date(2030, 12, 30) + timedelta(weeks=week) for week in range(-5, 5)]
NAMES = [f"lineage_event_{monday:%Y_%m_%d}" for monday in MONDAYS]


@pytest.fixture
def without_leftovers(transactional_db: None) -> Iterator[None]:
    """DDL of a test with real transactions outlives the test."""
    yield
    with database.cursor() as cursor:
        for name in set(NAMES) & partition_names():
            cursor.execute(f"DROP TABLE {name}")


def definition(name: str) -> list[tuple[Any, ...]]:
    """Columns, constraints and indexes of a partition, without its own name."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            SELECT attname, format_type(atttypid, atttypmod), attnotnull::text, attcompression::text, attstorage::text
            FROM pg_attribute WHERE attrelid = %(name)s::regclass AND attnum > 0
            UNION ALL
            SELECT 'constraint', contype::text, '', '', replace(pg_get_constraintdef(oid), %(name)s::text, '')
            FROM pg_constraint WHERE conrelid = %(name)s::regclass
            UNION ALL
            SELECT 'index', pg_get_indexdef(indexrelid, 1, true), pg_get_indexdef(indexrelid, 2, true),
                pg_get_indexdef(indexrelid, 3, true),
                (SELECT count(*) FROM pg_inherits WHERE inhrelid = indexrelid)::text
            FROM pg_index WHERE indrelid = %(name)s::regclass
            ORDER BY 1, 2, 3, 4, 5
            """,
            {"name": name},
        )
        return [tuple(row) for row in cursor.fetchall()]


@pytest.mark.django_db
def test_ten_weeks_around_now_have_a_partition() -> None:
    before = partition_names()
    ensure_partitions(NOW)
    assert partition_names() - before == set(NAMES)


@pytest.mark.django_db
def test_the_bounds_are_mondays_at_midnight_utc() -> None:
    ensure_partitions(NOW)
    week, second = timedelta(weeks=1), timedelta(microseconds=1)
    monday = datetime(2030, 12, 30, tzinfo=UTC)
    for moment, name in [
        (monday - 5 * week - second, "lineage_event_default"),
        (monday - 5 * week, NAMES[0]),
        (monday - second, NAMES[4]),
        (monday, NAMES[5]),
        (monday + 5 * week - second, NAMES[9]),
        (monday + 5 * week, "lineage_event_default"),
    ]:
        assert partition_of(store(moment)) == name


@pytest.mark.django_db
def test_a_partition_is_like_those_of_the_migration() -> None:
    first = min(partition_names() - {"lineage_event_default"})
    ensure_partitions(NOW)
    assert definition(NAMES[0]) == definition(first)


@pytest.mark.django_db
def test_what_came_before_its_partition_moves_into_it() -> None:
    inside, outside = store(NOW), store(NOW + timedelta(weeks=30))
    before = Event.objects.filter(connection_id=inside.connection_id).values().get()
    assert partition_of(inside) == "lineage_event_default"
    ensure_partitions(NOW)
    assert partition_of(inside) == NAMES[5]
    assert partition_of(outside) == "lineage_event_default"
    assert Event.objects.filter(connection_id=inside.connection_id).values().get() == before


@pytest.mark.django_db
def test_a_second_call_does_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    ensure_partitions(NOW)
    with django_assert_num_queries(1):
        ensure_partitions(NOW + timedelta(days=2))
    ensure_partitions(NOW + timedelta(days=7))
    assert partition_names() >= {*NAMES, "lineage_event_2031_02_03"}


@pytest.mark.django_db
def test_a_clock_that_was_once_ahead_keeps_no_week_from_being_made() -> None:
    ensure_partitions(NOW + timedelta(days=20_000))
    ensure_partitions(NOW)
    assert set(NAMES) <= partition_names()


@pytest.mark.usefixtures("without_leftovers")
def test_any_number_may_make_them_at_once_while_events_come(in_thread: InThread) -> None:
    stop, stored = threading.Event(), []

    def send() -> None:
        while not stop.is_set():
            stored.append(store(NOW))

    sending = in_thread(send)
    for making in [in_thread(ensure_partitions, NOW) for _ in range(6)]:
        making.result(timeout=30)
    ensure_partitions(NOW)
    stop.set()
    sending.result(timeout=30)
    assert set(NAMES) <= partition_names()
    assert Event.objects.count() == len(stored) > 0
    assert {partition_of(event) for event in stored} == {NAMES[5]}


@pytest.mark.usefixtures("without_leftovers")
def test_it_gives_up_before_it_keeps_others_waiting(in_thread: InThread) -> None:
    store(NOW)
    with transaction.atomic():
        # A long report over all events.
        assert Event.objects.count() == 1
        with pytest.raises(OperationalError, match="lock timeout"):
            in_thread(ensure_partitions, NOW).result(timeout=10)
    assert not set(NAMES) & partition_names()
    ensure_partitions(NOW)
    assert set(NAMES) <= partition_names()
