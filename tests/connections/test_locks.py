"""Removals, deletions and renames beside commits of the intake that are under way. Real transactions."""

import contextlib
import threading
import uuid
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, transaction
from django.db import connection as database

from connections import actions
from connections.models import ApiKey, Connection
from connections.privacy import Audience, PrivacyClass
from connections.vouchers import PRECONDITION_FAILED, Voucher, VoucherKind, lock_live
from lineage.database.execute import pipeline
from lineage.database.retries import with_retries
from lineage.digest.statements import vouchers
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
        assert lock_live([key.voucher]) == {key.voucher}
        removal = in_thread(actions.end_connection, connection=key.connection, now=NOW)
        assert waits_for_a_lock(finished(removal))
        assert Connection.objects.live().exists()
    removal.result()
    assert not Connection.objects.live().exists()


def test_a_commit_that_comes_during_a_removal_finds_no_key(key: ApiKey, in_thread: InThread) -> None:
    def lock() -> set[Voucher]:
        with transaction.atomic():
            return lock_live([key.voucher])

    with transaction.atomic():
        actions.end_connection(connection=key.connection, now=NOW)
        commit = in_thread(lock)
        assert waits_for_a_lock(finished(commit))
    assert commit.result() == set()


def test_commits_wait_neither_for_one_another_nor_for_a_rename_nor_for_an_attempt(
    key: ApiKey, in_thread: InThread
) -> None:
    def lock() -> set[Voucher]:
        with transaction.atomic():
            return lock_live([key.voucher])

    def use(connection: Connection) -> None:
        actions.rename_connection(connection=connection, name="new", now=NOW)
        actions.touch_keys(kind=VoucherKind.API_KEY, key_ids=[key.id], now=NOW)
        actions.record_attempt(connection_id=connection.id, at=NOW, outcome="stored", status=201)

    with transaction.atomic():
        lock_live([key.voucher])
        assert in_thread(lock).result(timeout=10) == {key.voucher}
        in_thread(use, key.connection).result(timeout=10)
    with transaction.atomic():
        use(key.connection)
        assert in_thread(lock).result(timeout=10) == {key.voucher}


def test_only_live_keys_are_live(key: ApiKey, make_connection: MakeConnection, make_key: MakeKey) -> None:
    other = make_connection("other")
    deleted, ended = make_key(other, "deleted").api_key, make_key(make_connection("ended")).api_key
    kept = make_key(other, "kept").api_key
    all_of_them = [one.voucher for one in (key, kept, deleted, ended)]
    actions.delete_api_key(api_key=deleted)
    actions.end_connection(connection=ended.connection, now=NOW)
    with transaction.atomic():
        live = lock_live([*all_of_them, replace(kept.voucher, connection_id=key.connection_id)])
    assert live == {key.voucher, kept.voucher}
    with transaction.atomic():
        assert lock_live([]) == set()


def test_outside_a_transaction_nothing_can_be_locked(key: ApiKey) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        lock_live([key.voucher])


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


def require_live(*keys: ApiKey) -> None:
    """Require live keys in a pipeline that is a transaction, like the intake's."""
    database.ensure_connection()

    def transact() -> None:
        with pipeline():
            vouchers.require_live(key.voucher for key in keys)

    with_retries(transact)


def test_requiring_live_keys(key: ApiKey, make_connection: MakeConnection, make_key: MakeKey) -> None:
    other = make_key(make_connection("other")).api_key
    require_live(key)
    require_live(key, other)


def sqlstate(error: BaseException | None) -> str | None:
    assert error
    assert isinstance(error.__cause__, psycopg.Error)
    return error.__cause__.sqlstate


def test_a_choice_of_privacy_waits_for_the_commit_under_way(key: ApiKey, in_thread: InThread) -> None:
    """A commit that looked before the choice might otherwise store what nobody may see."""
    with transaction.atomic():
        assert lock_live([key.voucher]) == {key.voucher}
        audiences = {PrivacyClass.SQL: Audience.NOBODY}
        choice = in_thread(actions.set_privacy, connection=key.connection, audiences=audiences)
        assert waits_for_a_lock(finished(choice))
    choice.result()


@pytest.mark.parametrize("end", ["deleted", "ended", "of another connection"])
def test_requiring_a_key_that_is_not_live_fails(
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
        require_live(key, other)
    assert sqlstate(error.value) == PRECONDITION_FAILED
    require_live(key)


def test_a_commit_waits_for_a_removal(key: ApiKey, in_thread: InThread) -> None:
    with transaction.atomic():
        actions.end_connection(connection=key.connection, now=NOW)
        commit = in_thread(require_live, key)
        assert waits_for_a_lock(finished(commit))
    assert sqlstate(commit.exception(timeout=10)) == PRECONDITION_FAILED
