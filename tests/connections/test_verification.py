"""Verification of keys, which is cheap, and costs a wrong key as much as an unknown one."""

import statistics
import time
from collections.abc import Callable
from typing import Any, Literal

import pytest
from argon2 import PasswordHasher, extract_parameters
from django.db import OperationalError
from django.db import connection as database
from pytest_django import DjangoAssertNumQueries

from connections import actions
from connections.keys import _checksum, new_key
from connections.models import ApiKey
from connections.verification import (
    HASHER,
    KeyRefused,
    KeyVerifier,
    VerifiedKey,
    fingerprint_of,
    hash_secret,
    verify_key,
)
from connections.vouchers import lock_live
from tests.conftest import InThread
from tests.connections.conftest import NOW, MakeConnection, MakeKey

HASH_SECONDS = 0.002


class CountingHasher(PasswordHasher):
    """Hasher that counts."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.hashes = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
        self.hashes += 1
        return super().verify(hash, password)


@pytest.fixture
def hasher() -> CountingHasher:
    return CountingHasher()


@pytest.fixture
def verifier(hasher: CountingHasher) -> KeyVerifier:
    return KeyVerifier(hasher=hasher)


@pytest.fixture
def key(make_connection: MakeConnection, make_key: MakeKey) -> actions.NewApiKey:
    return make_key(make_connection())


def wrong(text: str) -> str:
    """Make a well-formed key with the lookup part of this one, and another secret."""
    body = f"obs_{text.split('_')[1]}_{new_key().secret}"
    return f"{body}_{_checksum(body)}"


def refused(verifier: KeyVerifier, text: str) -> bool:
    try:
        verifier.verify(text)
    except KeyRefused:
        return True
    return False


@pytest.mark.django_db
def test_the_right_key_tells_whose_it_is(key: actions.NewApiKey) -> None:
    api_key = key.api_key
    expected = VerifiedKey(api_key.id, api_key.connection_id, "first", fingerprint_of(key.text))
    assert verify_key(key.text) == expected
    assert verify_key(key.text) == expected


@pytest.mark.django_db
def test_every_other_key_is_refused_in_the_same_words(
    key: actions.NewApiKey, verifier: KeyVerifier, make_key: MakeKey
) -> None:
    deleted = make_key(key.api_key.connection, "deleted")
    actions.delete_api_key(api_key=deleted.api_key)
    refusals = []
    for text in ("", "obs_", "Bearer x", key.text[:-1], new_key().text, wrong(key.text), deleted.text):
        with pytest.raises(KeyRefused) as refusal:
            verifier.verify(text)
        refusals.append((str(refusal.value), refusal.value.__cause__))
    assert set(refusals) == {("", None)}


@pytest.mark.django_db
def test_unknown_wrong_and_deleted_keys_cost_alike_however_often_they_come(
    key: actions.NewApiKey,
    verifier: KeyVerifier,
    hasher: CountingHasher,
    make_key: MakeKey,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    deleted = make_key(key.api_key.connection, "deleted")
    actions.delete_api_key(api_key=deleted.api_key)
    for text in (new_key().text, wrong(key.text), deleted.text):
        for _ in range(3):
            before = hasher.hashes
            with django_assert_num_queries(1):
                assert refused(verifier, text)
            assert hasher.hashes == before + 1


@pytest.mark.django_db
def test_the_keys_of_a_removed_connection_are_refused(key: actions.NewApiKey, verifier: KeyVerifier) -> None:
    actions.end_connection(connection=key.api_key.connection, now=NOW)
    assert refused(verifier, key.text)


def test_a_malformed_key_is_refused_without_a_query(verifier: KeyVerifier) -> None:
    assert refused(verifier, new_key().text[:-1] + "!")  # the database is closed to this test


@pytest.mark.django_db
def test_a_verified_key_costs_no_second_hash_and_no_query(
    key: actions.NewApiKey,
    verifier: KeyVerifier,
    hasher: CountingHasher,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    verifier.verify(key.text)
    with django_assert_num_queries(0):
        verifier.verify(key.text)
    assert hasher.hashes == 1


@pytest.mark.django_db
def test_a_remembered_key_that_was_deleted_is_not_live(key: actions.NewApiKey, verifier: KeyVerifier) -> None:
    verified = verifier.verify(key.text)
    assert isinstance(verified, VerifiedKey)
    assert lock_live([verified.voucher]) == {verified.voucher}
    actions.delete_api_key(api_key=key.api_key)
    assert verifier.verify(key.text) == verified
    assert lock_live([verified.voucher]) == set()
    verifier.forget(verified)
    assert refused(verifier, key.text)


@pytest.mark.django_db
def test_nothing_that_is_remembered_holds_the_secret(key: actions.NewApiKey, verifier: KeyVerifier) -> None:
    verifier.verify(key.text)
    refused(verifier, wrong(key.text))
    secret = key.text.split("_")[2]
    assert verifier._verified
    assert secret not in repr(vars(verifier))


@pytest.mark.django_db(transaction=True)
def test_many_wrong_secrets_at_once_never_refuse_the_right_key(
    key: actions.NewApiKey, make_key: MakeKey, in_thread: InThread
) -> None:
    wrong_ones = [wrong(key.text) for _ in range(200)]
    verifiers = [KeyVerifier() for _ in range(10)]  # as many processes that do not remember the key yet
    guesses = [in_thread(refused, verifiers[0], text) for text in wrong_ones]

    tries = [in_thread(verifier.verify, key.text) for verifier in verifiers]

    assert {call.result().key_id for call in tries} == {key.api_key.id}
    assert all(guess.result() for guess in guesses)


@pytest.mark.django_db
def test_a_database_that_is_away_is_no_refusal(key: actions.NewApiKey, verifier: KeyVerifier) -> None:
    def unreachable(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> None:
        raise OperationalError("the connection is closed")

    with database.execute_wrapper(unreachable), pytest.raises(OperationalError):
        verifier.verify(key.text)
    assert verifier.verify(key.text).key_id == key.api_key.id


@pytest.mark.django_db
def test_what_is_remembered_is_bounded(
    key: actions.NewApiKey, hasher: CountingHasher, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connections.verification._MEMORY_SIZE", 3)
    verifier = KeyVerifier(hasher=hasher)
    keys = [make_key(key.api_key.connection, f"key {number}") for number in range(6)]
    for other in keys:
        verifier.verify(other.text)
        refused(verifier, wrong(other.text))
    assert len(verifier._verified) == 3
    hashes = hasher.hashes
    verifier.verify(keys[-1].text)
    assert hasher.hashes == hashes
    verifier.verify(keys[0].text)
    assert hasher.hashes == hashes + 1


def test_at_rest_a_key_is_hashed_with_argon2id() -> None:
    parameters = extract_parameters(hash_secret(new_key()))
    assert parameters.type.name == "ID"
    assert not HASHER.check_needs_rehash(hash_secret(new_key()))


def test_a_hash_takes_no_more_than_2_milliseconds() -> None:
    hashed = hash_secret(key := new_key())

    def seconds() -> float:
        began = time.perf_counter()
        HASHER.verify(hashed, key.secret)
        return time.perf_counter() - began

    assert statistics.median(seconds() for _ in range(101)) <= HASH_SECONDS


@pytest.mark.django_db
def test_a_key_that_was_hashed_with_other_parameters_is_verified(key: actions.NewApiKey, verifier: KeyVerifier) -> None:
    slow = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
    ApiKey.objects.filter(id=key.api_key.id).update(secret_hash=slow.hash(key.text.split("_")[2]))
    assert verifier.verify(key.text).key_id == key.api_key.id
    assert refused(verifier, wrong(key.text))
