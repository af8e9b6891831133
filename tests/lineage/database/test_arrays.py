"""Columns packed for PostgreSQL arrive as they were."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage.database.execute import execute, pack

UUIDS = st.uuids()
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
TIMES = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=30))]))
COLUMNS = {
    "uuid": UUIDS,
    "text": TEXTS,
    "bytea": st.binary(),
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "timestamptz": TIMES,
}
LABELS = st.lists(TEXTS | st.sampled_from(["", "NULL", "{}", 'a"b', "a\\b", "a,b", " "]), max_size=4).map(tuple)


def round_trip(type_: str, values: list[Any]) -> list[Any]:
    with connection.cursor():
        rows = execute(f"SELECT unnest($1::{type_}[])".encode(), pack([type_], [(value,) for value in values])).rows()
    return [value for (value,) in rows]


@pytest.mark.django_db
@pytest.mark.parametrize("type_", COLUMNS)
def test_values_and_nulls_arrive_as_they_were(type_: str) -> None:
    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.none() | COLUMNS[type_], min_size=1, max_size=5))
    def check(values: list[Any]) -> None:
        assert round_trip(type_, values) == values

    check()


@pytest.mark.django_db
def test_times_at_the_ends_of_the_calendar() -> None:
    ends = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
    assert round_trip("timestamptz", ends) == ends


@pytest.mark.django_db
@pytest.mark.parametrize("ids", [[], [UUID(int=1)], [UUID(int=2**128 - 1), UUID(int=0), UUID(int=7)]])
def test_a_set_of_ids_arrives_sorted(ids: list[UUID]) -> None:
    columns = pack(["uuid[]"], [(frozenset(ids),)])
    [(found,)] = execute(b"SELECT said::uuid[] FROM unnest($1::text[]) AS said", columns).rows()
    assert found == sorted(ids)


@pytest.mark.django_db
@settings(max_examples=60, deadline=None)
@given(st.lists(LABELS, min_size=1, max_size=3))
def test_lists_of_text_arrive_as_they_were(values: list[tuple[str, ...]]) -> None:
    statement = b"SELECT said::text[] FROM unnest($1::text[]) AS said"
    with connection.cursor():
        rows = execute(statement, pack(["text[]"], [(value,) for value in values])).rows()
    assert [tuple(value) for (value,) in rows] == values
