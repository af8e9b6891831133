"""Adding, renaming and ending connections, and making and deleting their keys."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from pytest_django import DjangoAssertNumQueries

from connections import actions
from connections.models import ApiKey, Connection
from connections.vouchers import VoucherKind
from tests.connections.conftest import NOW, MakeConnection, MakeKey

pytestmark = pytest.mark.django_db


def test_a_connection_keeps_who_made_it_and_when(editor: User) -> None:
    connection = actions.create_connection(name="  Warehouse ", type="dbt", created_by=editor, now=NOW)
    stored = Connection.objects.get()
    assert (stored.id, stored.name, stored.type) == (connection.id, "Warehouse", "dbt")
    assert (stored.created_by, stored.created_at, stored.removed_at) == (editor, NOW, None)


@pytest.mark.parametrize(
    "name", ["", "  ", "a\nb", "tab\there", "nul\0", "x" * 101, "\u200b", "a\u202eb", "lone \ud800"]
)
def test_a_name_that_is_not_allowed_is_refused(name: str, make_connection: MakeConnection, make_key: MakeKey) -> None:
    with pytest.raises(ValidationError):
        make_connection(name)
    connection = make_connection()
    with pytest.raises(ValidationError):
        actions.rename_connection(connection=connection, name=name, now=NOW)
    with pytest.raises(ValidationError):
        make_key(connection, name)
    assert Connection.objects.get().name == connection.name == "Airflow"
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("name", ["x" * 100, "Ünïcode ✓", "数据", "🚀", "<script>", "a & b"])
def test_any_other_name_is_kept_as_it_is(name: str, make_connection: MakeConnection) -> None:
    assert make_connection(name).name == Connection.objects.get().name == name


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValidationError):
        actions.create_connection(name="x", type="cron", created_by=None, now=NOW)


@pytest.mark.parametrize(("first", "second"), [("Prod", "prod"), ("Caf\u00e9", "Cafe\u0301"), ("a", " a ")])
def test_a_name_is_taken_however_it_is_written(first: str, second: str, make_connection: MakeConnection) -> None:
    make_connection(first)
    with pytest.raises(actions.DuplicateName):
        make_connection(second)
    other = make_connection("other")
    with pytest.raises(actions.DuplicateName):
        actions.rename_connection(connection=other, name=second, now=NOW)
    assert other.name == "other"


def test_renaming_changes_the_name_alone(make_connection: MakeConnection) -> None:
    connection = make_connection("old")
    before = Connection.objects.values().get()
    actions.rename_connection(connection=connection, name=" New ", now=NOW)
    assert Connection.objects.values().get() == before | {"name": "New"}
    assert connection.name == "New"
    actions.rename_connection(connection=connection, name="NEW", now=NOW)  # its own name in another case


def test_the_name_of_a_removed_connection_is_free(make_connection: MakeConnection) -> None:
    actions.end_connection(connection=make_connection("Prod"), now=NOW)
    make_connection("Prod")


def test_ending_a_connection_ends_its_keys_and_hides_it(make_connection: MakeConnection, make_key: MakeKey) -> None:
    connection, other = make_connection(), make_connection("other")
    make_key(connection)
    kept = make_key(other)
    actions.end_connection(connection=connection, now=NOW)
    assert connection.removed_at == NOW
    assert list(Connection.objects.live()) == [other]
    assert list(ApiKey.objects.all()) == [kept.api_key]
    actions.end_connection(connection=connection, now=NOW + timedelta(days=1))
    connection.refresh_from_db()
    assert connection.removed_at == NOW


def test_a_connection_that_was_removed_meanwhile_takes_no_new_name_and_no_key(
    make_connection: MakeConnection, make_key: MakeKey
) -> None:
    connection = make_connection()
    actions.end_connection(connection=Connection.objects.get(), now=NOW)
    with pytest.raises(Connection.DoesNotExist):
        actions.rename_connection(connection=connection, name="new", now=NOW)
    with pytest.raises(Connection.DoesNotExist):
        make_key(connection)


def test_a_key_is_kept_as_a_hash(editor: User, make_connection: MakeConnection) -> None:
    connection = make_connection()
    new = actions.create_api_key(connection=connection, name=" worker ", created_by=editor, now=NOW)
    stored = ApiKey.objects.get()
    assert (stored.name, stored.connection, stored.created_by) == ("worker", connection, editor)
    assert (stored.created_at, stored.last_used_at) == (NOW, None)
    assert new.text.endswith(stored.last_characters)
    assert stored.secret_hash.startswith("$argon2id$")
    secret = new.text.split("_")[2]
    assert not any(secret in str(value) for value in ApiKey.objects.values_list().get())
    assert new.text not in repr(new)


def test_key_names_are_unique_in_a_connection_only(make_connection: MakeConnection, make_key: MakeKey) -> None:
    connection = make_connection()
    make_key(connection, "worker")
    with pytest.raises(actions.DuplicateKeyName):
        make_key(connection, "WORKER")
    make_key(make_connection("other"), "worker")


def test_deleting_a_key_leaves_the_others(make_connection: MakeConnection, make_key: MakeKey) -> None:
    connection = make_connection()
    kept, deleted = make_key(connection, "kept").api_key, make_key(connection, "deleted").api_key
    actions.delete_api_key(api_key=deleted)
    actions.delete_api_key(api_key=deleted)
    assert list(connection.api_keys.all()) == [kept]


def test_last_use_is_written_at_most_once_a_minute(make_connection: MakeConnection, make_key: MakeKey) -> None:
    first, second = (make_key(make_connection(name)).api_key for name in ("a", "b"))

    def use(*keys: ApiKey, seconds: float) -> list[float | None]:
        actions.touch_keys(
            kind=VoucherKind.API_KEY, key_ids=[key.id for key in keys], now=NOW + timedelta(seconds=seconds)
        )
        return [
            (at - NOW).total_seconds() if at else None
            for at in (ApiKey.objects.get(pk=key.pk).last_used_at for key in (first, second))
        ]

    assert use(first, seconds=0) == [0, None]
    assert use(first, second, seconds=30) == [0, 30]
    assert use(first, second, seconds=60) == [60, 30]


def test_last_use_that_another_process_wrote_is_left_for_a_minute(
    django_assert_num_queries: DjangoAssertNumQueries, make_connection: MakeConnection, make_key: MakeKey
) -> None:
    key = make_key(make_connection()).api_key
    ApiKey.objects.update(last_used_at=NOW)
    actions.touch_keys(kind=VoucherKind.API_KEY, key_ids=[key.id], now=NOW + timedelta(seconds=59))
    key.refresh_from_db()
    assert key.last_used_at == NOW
    with django_assert_num_queries(0):
        actions.touch_keys(kind=VoucherKind.API_KEY, key_ids=[key.id], now=NOW + timedelta(seconds=61))
    actions.touch_keys(kind=VoucherKind.API_KEY, key_ids=[key.id], now=NOW + timedelta(seconds=70))
    key.refresh_from_db()
    assert key.last_used_at == NOW + timedelta(seconds=70)
