"""The list of how a connection's last requests ended: short, fit to store, and cheap under a flood."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from connections import actions
from connections.models import Attempt, Connection
from tests.connections.conftest import NOW, MakeConnection

pytestmark = pytest.mark.django_db


def record(
    connection: Connection, seconds: float = 0.0, outcome: str = "rejected", status: int = 422, **texts: Any
) -> None:
    at = NOW + timedelta(seconds=seconds)
    actions.record_attempt(connection_id=connection.id, at=at, outcome=outcome, status=status, **texts)


def test_an_attempt_is_kept_as_it_was_recorded(make_connection: MakeConnection) -> None:
    connection = make_connection()
    record(connection, reason="Not JSON", code="not_json", key_name="worker", job_name="dag.task")
    kept = dict(Attempt.objects.values().get())
    del kept["id"]
    assert kept == {
        "connection_id": connection.id,
        "at": NOW,
        "outcome": "rejected",
        "status": 422,
        "reason": "Not JSON",
        "code": "not_json",
        "key_connection_id": None,
        "key_name": "worker",
        "job_name": "dag.task",
    }


def test_a_connection_keeps_its_newest_refusals_and_its_newest_acceptances(make_connection: MakeConnection) -> None:
    connection, other = make_connection(), make_connection("other")
    record(other, outcome="stored", status=201)
    for second in range(60):
        record(connection, second, status=400 + second)
    for second in range(60, 90):
        outcome = ("stored", "repeat")[second % 2]
        record(connection, second, outcome, 200 + second)
    rejected = connection.attempts.filter(outcome="rejected")
    assert [attempt.status for attempt in rejected] == [400 + second for second in range(59, 9, -1)]
    accepted = connection.attempts.exclude(outcome="rejected")
    assert [attempt.status for attempt in accepted] == [200 + second for second in range(89, 69, -1)]
    assert other.attempts.count() == 1
    assert [attempt.status for attempt in connection.attempts.newest(2)] == [289, 288]


def test_a_late_attempt_does_not_push_out_a_newer_one(make_connection: MakeConnection) -> None:
    connection = make_connection()
    for second in range(100, 150):
        record(connection, second)
    record(connection, 0, status=499)
    assert connection.attempts.count() == 50
    assert not connection.attempts.filter(status=499).exists()


def test_what_postgresql_cannot_hold_is_replaced_and_what_is_long_is_cut(make_connection: MakeConnection) -> None:
    connection = make_connection()
    record(connection, reason="a\0b\ud83dc", job_name="é\x00" * 400, key_name="k" * 200)
    kept = Attempt.objects.get()
    assert kept.reason == "a\ufffdb\ufffdc"
    assert kept.job_name == "é\ufffd" * 250
    assert kept.key_name == "k" * 100


def test_a_flood_is_written_at_a_bounded_pace(
    make_connection: MakeConnection, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    connection, other = make_connection(), make_connection("other")
    for millisecond in range(0, 1000, 20):
        record(connection, millisecond / 1000)
        record(connection, millisecond / 1000, "stored", 201)
    assert connection.attempts.filter(outcome="rejected").count() == 5
    assert connection.attempts.filter(outcome="stored").count() == 1
    with django_assert_num_queries(0):
        record(connection, 0.999)
    record(other, 0.999)
    record(connection, 1)
    assert connection.attempts.filter(outcome="rejected").count() == 6
    assert other.attempts.count() == 1


def test_an_attempt_at_a_connection_that_is_not_there_is_ignored(make_connection: MakeConnection) -> None:
    removed = make_connection()
    actions.end_connection(connection=removed, now=NOW)
    record(removed)
    actions.record_attempt(connection_id=uuid4(), at=NOW, outcome="rejected", status=401)
    assert not Attempt.objects.exists()


def test_ids_that_nobody_vouched_for_are_looked_up_at_a_bounded_pace(
    make_connection: MakeConnection, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    acquainted, stranger = make_connection(), Connection.objects.create(name="stranger", type="dbt", created_at=NOW)
    later = NOW + timedelta(days=1)
    for _ in range(20):
        actions.record_attempt(connection_id=uuid4(), at=later, outcome="rejected", status=401)
    with django_assert_num_queries(0):
        for _ in range(20):
            actions.record_attempt(connection_id=uuid4(), at=later, outcome="rejected", status=401)
        actions.record_attempt(connection_id=stranger.id, at=later, outcome="rejected", status=401)
    actions.record_attempt(connection_id=acquainted.id, at=later, outcome="rejected", status=401)
    assert Attempt.objects.get().connection == acquainted
    # A key that was verified vouches for its connection.
    vouched = Connection.objects.create(name="vouched", type="dbt", created_at=NOW)
    actions.record_attempt(connection_id=vouched.id, at=later, outcome="rejected", status=400, key_name="worker")
    assert vouched.attempts.count() == 1
    # A second later the other is looked up, and is one of those that are known from then on.
    for second in (1, 2):
        actions.record_attempt(
            connection_id=stranger.id, at=later + timedelta(seconds=second), outcome="rejected", status=401
        )
        for _ in range(20):
            actions.record_attempt(
                connection_id=uuid4(), at=later + timedelta(seconds=2), outcome="rejected", status=401
            )
    assert stranger.attempts.count() == 2
