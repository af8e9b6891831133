"""Workspace keys: what they may do, how they end, and what is noted of events that match no connection."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils import timezone

from connections import actions
from connections.keys import new_key
from connections.models import Connection, Route, UnmatchedNamespace
from connections.route_reads import read_rules
from connections.routing import KeyRules, Unrouted
from connections.verification import KeyRefused, KeyVerifier, VerifiedWorkspaceKey, fingerprint_of
from connections.vouchers import Voucher, VoucherKind, lock_live
from connections.workspace_keys import (
    UNMATCHED_KEPT,
    DuplicateWorkspaceKeyName,
    NewWorkspaceKey,
    Unmatched,
    create_workspace_key,
    delete_workspace_key,
    make_connection_of_event,
    note_unmatched,
)
from tests.connections.conftest import NOW, MakeConnection

pytestmark = pytest.mark.django_db

MakeWorkspaceKey = Callable[..., NewWorkspaceKey]


@pytest.fixture
def make() -> MakeWorkspaceKey:
    def make_(name: str = "all", **options: object) -> NewWorkspaceKey:
        return create_workspace_key(name=name, created_by=None, now=NOW, **options)  # type: ignore[arg-type]

    return make_


def is_live(key: NewWorkspaceKey, connection: Connection) -> bool:
    voucher = Voucher(VoucherKind.WORKSPACE_KEY, key.workspace_key.pk, connection.pk)
    return lock_live([voucher]) == {voucher}


def test_a_key_is_verified_as_any_until_it_is_deleted(make: MakeWorkspaceKey) -> None:
    new = make()
    verifier = KeyVerifier()
    expected = VerifiedWorkspaceKey(new.workspace_key.pk, "all", fingerprint_of(new.text))
    assert new.text.startswith("obw_")
    assert new.text not in repr(new)
    assert verifier.verify(new.text) == expected
    for text in (new_key("obw_").text, new.text.replace("obw_", "obs_")):
        with pytest.raises(KeyRefused):
            verifier.verify(text)
    delete_workspace_key(workspace_key=new.workspace_key)
    assert not expected.is_live()
    with pytest.raises(KeyRefused):
        KeyVerifier().verify(new.text)


def test_names_are_unique_and_a_key_of_chosen_connections_makes_none(
    make: MakeWorkspaceKey, make_connection: MakeConnection
) -> None:
    make("all")
    with pytest.raises(DuplicateWorkspaceKeyName):
        make("ALL")
    with pytest.raises(ValidationError):
        make("  ")
    with pytest.raises(IntegrityError):
        make("chosen", chosen=[make_connection()], unmatched="create")


def test_the_commit_checks_key_scope_expiry_and_connection(
    make: MakeWorkspaceKey, make_connection: MakeConnection
) -> None:
    a, b = make_connection("a"), make_connection("b")
    soon, past = timezone.now() + timedelta(hours=1), timezone.now() - timedelta(seconds=1)
    everything, only_a = make("all", expires_at=soon), make("a", chosen=[a])
    assert is_live(everything, a)
    assert is_live(everything, b)
    assert is_live(only_a, a)
    assert not is_live(only_a, b)
    assert not is_live(make("expired", expires_at=past), a)
    actions.end_connection(connection=b, now=NOW)
    assert not is_live(everything, b)
    delete_workspace_key(workspace_key=everything.workspace_key)
    assert not is_live(everything, a)


def test_the_rules_of_a_key(make: MakeWorkspaceKey, make_connection: MakeConnection) -> None:
    a = make_connection("a")
    assert read_rules(make("all", unmatched="create").workspace_key.pk) == KeyRules(makes_connections=True)
    chosen = make("chosen", chosen=[a], default_connection=a).workspace_key
    assert read_rules(chosen.pk) == KeyRules(frozenset({a.pk}), a.pk)
    assert read_rules(make("expired", expires_at=NOW - timedelta(days=900)).workspace_key.pk) is None


def of_event(namespace: str, integration: str = "AIRFLOW") -> UUID | Unrouted:
    return make_connection_of_event(namespace=namespace, integration=integration, now=NOW)


def test_an_event_makes_the_connection_of_its_namespace_once(make_connection: MakeConnection) -> None:
    made = of_event("prod")
    connection = Connection.objects.get()
    assert (connection.pk, connection.name, connection.type) == (made, "prod", "airflow")
    assert of_event("prod") == made
    assert Route.objects.get().made_by_event
    assert of_event("PROD") == Unrouted.NAME
    assert of_event("n" * 101) == of_event("\u202e") == Unrouted.NAME
    actions.end_connection(connection=connection, now=NOW)
    assert of_event("prod") == Unrouted.REMOVED


def test_the_limits_of_connections_that_events_make() -> None:
    assert all(isinstance(of_event(f"n{number}"), UUID) for number in range(20))
    assert of_event("one more") == Unrouted.LIMIT
    Route.objects.update(created_at=NOW - timedelta(hours=1))
    assert isinstance(of_event("an hour later"), UUID)
    old = {"created_at": NOW - timedelta(days=1), "made_by_event": True}
    Route.objects.bulk_create(Route(namespace=f"old {number}", **old) for number in range(200 - 21))
    assert of_event("the 201st") == Unrouted.LIMIT


def test_unmatched_namespaces_are_noted_once_and_bounded(
    make: MakeWorkspaceKey, make_connection: MakeConnection
) -> None:
    key = make().workspace_key

    def note(namespace: str | None, reason: Unrouted, seconds: int) -> None:
        one = Unmatched(namespace, reason, "job", "DBT")
        note_unmatched(key_id=key.pk, unmatched=[one, one], now=NOW + timedelta(seconds=seconds))

    note("prod", Unrouted.NO_ROUTE, 0)
    note("prod", Unrouted.REMOVED, 60)
    note(None, Unrouted.NO_JOB, 61)
    rows = UnmatchedNamespace.objects.values_list("namespace", "reason", "job_name", "type")
    assert list(rows) == [("", "no_job", "job", "dbt"), ("prod", "removed", "job", "dbt")]
    key.refresh_from_db()
    assert key.last_used_at == NOW + timedelta(seconds=60)
    make_connection("prod")
    assert [row.namespace for row in UnmatchedNamespace.objects.all()] == [""]

    for number in range(UNMATCHED_KEPT + 2):
        note(f"n{number}", Unrouted.NO_ROUTE, 100 + number)
    assert UnmatchedNamespace.objects.count() == UNMATCHED_KEPT
    assert UnmatchedNamespace.objects.newest(1).get().namespace == f"n{UNMATCHED_KEPT + 1}"
    # Many at once are not worth as many writes.
    made_up = [Unmatched(f"m{number}", Unrouted.NO_ROUTE) for number in range(100)]
    note_unmatched(key_id=key.pk, unmatched=made_up, now=NOW + timedelta(hours=1))
    assert UnmatchedNamespace.objects.filter(namespace__startswith="m").count() == 5
