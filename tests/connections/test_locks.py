"""What a removal, a deletion and a rename do to commits of the intake that are under way. Real transactions."""

import contextlib
import threading
import uuid
from concurrent.futures import Future
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import DatabaseError, transaction
from django.db import connection as database

from connections import actions
from connections.models import ApiKey, Connection
from connections.querysets import INSISTED
from lineage.database.execute import pipeline
from lineage.database.pipeline import _prepared
from lineage.digest.statements import keys as keys_of_intake
from tests.conftest import InThread
from tests.connections.conftest import NOW, MakeConnection, MakeKey

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def key(make_connection: MakeConnection, make_key: MakeKey) -> ApiKey:
    return make_key(make_connection()).api_key


def waits_for_a_lock(condition: threading.Event) -> bool:
    """True as soon as another session of the database waits for a lock; False when `condition` comes first."""
    with database.cursor() as cursor:
        while not condition.wait(timeout=0.01):
            # Within a transaction it would see again what it saw first.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            if cursor.fetchone()[0]:
                return True
    return False


def finished(call: "Future[Any]") -> threading.Event:
    event = threading.Event()
    call.add_done_callback(lambda _: event.set())
    return event


def test_a_removal_waits_for_the_commit_under_way(key: ApiKey, in_thread: InThread) -> None:
    with transaction.atomic():
        assert ApiKey.objects.lock_live([key.id]) == {key.id: key.connection_id}
        removal = in_thread(actions.end_connection, connection=key.connection, now=NOW)
        assert waits_for_a_lock(finished(removal))
        assert Connection.objects.visible().exists()
    removal.result()
    assert not Connection.objects.visible().exists()


def test_a_commit_that_comes_during_a_removal_finds_no_key(key: ApiKey, in_thread: InThread) -> None:
    def lock_live() -> dict[UUID, UUID]:
        with transaction.atomic():
            return ApiKey.objects.lock_live([key.id])

    with transaction.atomic():
        actions.end_connection(connection=key.connection, now=NOW)
        commit = in_thread(lock_live)
        assert waits_for_a_lock(finished(commit))
    assert commit.result() == {}


def test_commits_wait_neither_for_one_another_nor_for_a_rename_nor_for_an_attempt(
    key: ApiKey, in_thread: InThread
) -> None:
    def lock_live() -> dict[UUID, UUID]:
        with transaction.atomic():
            return ApiKey.objects.lock_live([key.id])

    def use(connection: Connection) -> None:
        actions.rename_connection(connection=connection, name="new")
        actions.touch_api_keys(key_ids=[key.id], now=NOW)
        actions.record_attempt(connection_id=connection.id, at=NOW, outcome="stored", status=201)

    with transaction.atomic():
        ApiKey.objects.lock_live([key.id])
        assert in_thread(lock_live).result(timeout=10) == {key.id: key.connection_id}
        in_thread(use, key.connection).result(timeout=10)
    with transaction.atomic():
        use(key.connection)
        assert in_thread(lock_live).result(timeout=10) == {key.id: key.connection_id}


def test_only_live_keys_are_live(key: ApiKey, make_connection: MakeConnection, make_key: MakeKey) -> None:
    other = make_connection("other")
    deleted, ended = make_key(other, "deleted").api_key, make_key(make_connection("ended")).api_key
    kept = make_key(other, "kept").api_key
    actions.delete_api_key(api_key=deleted)
    actions.end_connection(connection=ended.connection, now=NOW)
    with transaction.atomic():
        live = ApiKey.objects.lock_live([key.id, kept.id, deleted.id, ended.id])
    assert live == {key.id: key.connection_id, kept.id: other.id}
    with transaction.atomic():
        assert ApiKey.objects.lock_live([]) == {}


def test_outside_a_transaction_nothing_can_be_locked(key: ApiKey) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        ApiKey.objects.lock_live([key.id])


def test_of_many_who_take_a_name_at_once_one_gets_it(in_thread: InThread) -> None:
    start = threading.Barrier(8)

    def create(number: int) -> Connection | None:
        start.wait(timeout=10)
        try:
            return actions.create_connection(
                name="Prod" if number % 2 else "prod", type="dbt", created_by=None, now=NOW
            )
        except actions.DuplicateName:
            return None

    made = [call.result() for call in [in_thread(create, number) for number in range(8)]]
    assert sum(connection is not None for connection in made) == 1
    assert Connection.objects.count() == 1


def test_a_key_made_during_a_removal_does_not_outlive_it(make_connection: MakeConnection, in_thread: InThread) -> None:
    for number in range(5):
        connection = make_connection(f"connection {number}")
        removal = in_thread(actions.end_connection, connection=Connection.objects.get(pk=connection.pk), now=NOW)
        with contextlib.suppress(Connection.DoesNotExist):
            actions.create_api_key(connection=connection, name="late", created_by=None, now=NOW)
        removal.result(timeout=10)
        assert not connection.api_keys.exists()


def test_two_who_remove_the_same_connection_both_succeed(key: ApiKey, in_thread: InThread) -> None:
    calls = [in_thread(actions.end_connection, connection=Connection.objects.get(), now=NOW) for _ in range(2)]
    for call in calls:
        call.result(timeout=10)
    assert Connection.objects.get().removed_at == NOW


def insist_live(*keys: ApiKey) -> None:
    """As the intake does: in a pipeline that is a transaction."""
    database.ensure_connection()
    _prepared.pop(database.connection, None)  # a rollback before this may have had the session forget them
    with pipeline():
        keys_of_intake.insist_live([(key.id, key.connection_id) for key in keys])


def test_insisting_on_live_keys(key: ApiKey, make_connection: MakeConnection, make_key: MakeKey) -> None:
    other = make_key(make_connection("other")).api_key
    insist_live(key)
    insist_live(key, other)


def sqlstate(error: BaseException | None) -> str | None:
    assert error
    assert isinstance(error.__cause__, psycopg.Error)
    return error.__cause__.sqlstate


@pytest.mark.parametrize("end", ["deleted", "ended", "of another connection"])
def test_insisting_on_a_key_that_is_not_live_fails(
    key: ApiKey, make_connection: MakeConnection, make_key: MakeKey, end: str
) -> None:
    other = make_key(make_connection("other")).api_key
    if end == "deleted":
        actions.delete_api_key(api_key=other)
        other.id = uuid.uuid4()
    elif end == "ended":
        actions.end_connection(connection=other.connection, now=NOW)
    else:
        other.connection_id = key.connection_id
    with pytest.raises(DatabaseError) as error:
        insist_live(key, other)
    assert sqlstate(error.value) == INSISTED
    insist_live(key)


def test_who_insists_waits_for_a_removal(key: ApiKey, in_thread: InThread) -> None:
    with transaction.atomic():
        actions.end_connection(connection=key.connection, now=NOW)
        commit = in_thread(insist_live, key)
        assert waits_for_a_lock(finished(commit))
    assert sqlstate(commit.exception(timeout=10)) == INSISTED
