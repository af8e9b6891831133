"""Whether a key is right, and what it costs to be wrong."""

import threading
from collections.abc import Callable
from concurrent.futures import wait
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
from tests.conftest import InThread
from tests.connections.conftest import NOW, MakeConnection, MakeKey
from tests.waiting import wait_until


class CountingHasher(PasswordHasher):
    """Hashes, and counts. While `gate` is closed a hash takes as long as that."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.hashes = 0
        self.at_once = self.most_at_once = 0
        self.gate = threading.Event()
        self.gate.set()
        self._lock = threading.Lock()

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
        with self._lock:
            self.hashes += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            assert self.gate.wait(timeout=10)
            return super().verify(hash, password)
        finally:
            with self._lock:
                self.at_once -= 1


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


@pytest.fixture
def hasher() -> CountingHasher:
    return CountingHasher()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def verifier(hasher: CountingHasher, clock: Clock) -> KeyVerifier:
    return KeyVerifier(hasher=hasher, monotonic=clock.monotonic, sleep=clock.sleep)


@pytest.fixture
def key(make_connection: MakeConnection, make_key: MakeKey) -> actions.NewApiKey:
    return make_key(make_connection())


def wrong(text: str) -> str:
    """A well-formed key with the lookup part of this one, and another secret."""
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
def test_the_keys_of_a_removed_connection_are_refused(key: actions.NewApiKey, verifier: KeyVerifier) -> None:
    actions.end_connection(connection=key.api_key.connection, now=NOW)
    assert refused(verifier, key.text)


def test_a_malformed_key_is_refused_without_a_query(verifier: KeyVerifier) -> None:
    assert refused(verifier, new_key().text[:-1] + "!")  # the database is closed to this test


@pytest.mark.django_db
def test_an_unknown_lookup_part_is_refused_without_a_hash(
    verifier: KeyVerifier, hasher: CountingHasher, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        assert refused(verifier, new_key().text)
    assert hasher.hashes == 0
    assert not verifier._queues


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
    assert ApiKey.objects.lock_live([verified.key_id]) == {verified.key_id: verified.connection_id}
    actions.delete_api_key(api_key=key.api_key)
    assert verifier.verify(key.text) == verified
    assert ApiKey.objects.lock_live([verified.key_id]) == {}


@pytest.mark.django_db
def test_nothing_that_is_remembered_holds_the_secret(key: actions.NewApiKey, verifier: KeyVerifier) -> None:
    verifier.verify(key.text)
    refused(verifier, wrong(key.text))
    secret = key.text.split("_")[2]
    assert verifier._verified
    assert secret not in repr(vars(verifier))


@pytest.mark.django_db
def test_the_same_wrong_secret_costs_no_second_hash(
    key: actions.NewApiKey,
    verifier: KeyVerifier,
    hasher: CountingHasher,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    text = wrong(key.text)
    assert refused(verifier, text)
    with django_assert_num_queries(0):
        assert refused(verifier, text)
    assert hasher.hashes == 1


@pytest.mark.django_db
def test_many_wrong_secrets_are_paced_and_the_pace_is_forgotten(
    key: actions.NewApiKey, verifier: KeyVerifier, clock: Clock
) -> None:
    for _ in range(5):
        assert refused(verifier, wrong(key.text))
    assert clock.sleeps == []
    for _ in range(3):
        assert refused(verifier, wrong(key.text))
    assert clock.sleeps == [0.25] * 3
    clock.now += 61
    assert refused(verifier, wrong(key.text))
    assert clock.sleeps == [0.25] * 3


@pytest.mark.django_db
def test_wrong_secrets_slow_neither_a_verified_key_nor_another_one(
    key: actions.NewApiKey, verifier: KeyVerifier, clock: Clock, make_key: MakeKey
) -> None:
    other = make_key(key.api_key.connection, "other")
    verifier.verify(key.text)
    for _ in range(8):
        refused(verifier, wrong(key.text))
    sleeps = len(clock.sleeps)
    verifier.verify(key.text)
    verifier.verify(other.text)
    assert len(clock.sleeps) == sleeps


@pytest.mark.django_db
def test_the_right_key_comes_through_after_wrong_ones(key: actions.NewApiKey, verifier: KeyVerifier) -> None:
    for _ in range(8):
        refused(verifier, wrong(key.text))
    assert verifier.verify(key.text).key_id == key.api_key.id


@pytest.mark.django_db(transaction=True)
def test_eight_threads_with_the_same_key_hash_once(
    key: actions.NewApiKey, verifier: KeyVerifier, hasher: CountingHasher, in_thread: InThread
) -> None:
    hasher.gate.clear()
    calls = [in_thread(verifier.verify, key.text) for _ in range(8)]
    wait_until(lambda: hasher.hashes)
    hasher.gate.set()
    assert {call.result().key_id for call in calls} == {key.api_key.id}
    assert hasher.hashes == 1
    assert not verifier._verifications
    assert not verifier._queues


@pytest.mark.django_db(transaction=True)
def test_eight_threads_with_the_same_wrong_key_hash_once(
    key: actions.NewApiKey, verifier: KeyVerifier, hasher: CountingHasher, in_thread: InThread
) -> None:
    text = wrong(key.text)
    hasher.gate.clear()
    calls = [in_thread(refused, verifier, text) for _ in range(8)]
    wait_until(lambda: hasher.hashes)
    hasher.gate.set()
    assert all(call.result() for call in calls)
    assert hasher.hashes == 1


@pytest.mark.django_db(transaction=True)
def test_different_wrong_keys_are_hashed_one_at_a_time_and_few_may_wait(
    key: actions.NewApiKey, verifier: KeyVerifier, hasher: CountingHasher, in_thread: InThread
) -> None:
    hasher.gate.clear()
    calls = [in_thread(refused, verifier, wrong(key.text)) for _ in range(16)]
    # Twelve are refused at once, four have taken their place in the queue.
    wait_until(lambda: sum(call.done() for call in calls) == 12)
    hasher.gate.set()
    assert all(call.result() for call in calls)
    assert hasher.hashes == 4
    assert hasher.most_at_once == 1


@pytest.mark.django_db(transaction=True)
def test_when_paced_two_wait_and_nobody_joins_them(
    key: actions.NewApiKey, hasher: CountingHasher, in_thread: InThread
) -> None:
    sleeping, awake = threading.Event(), threading.Event()

    def sleep(seconds: float) -> None:
        sleeping.set()
        assert awake.wait(timeout=10)

    verifier = KeyVerifier(hasher=hasher, monotonic=lambda: 1000.0, sleep=sleep)
    for _ in range(5):
        refused(verifier, wrong(key.text))
    text = wrong(key.text)
    waiting = [in_thread(refused, verifier, text)]
    assert sleeping.wait(timeout=10)
    waiting.append(in_thread(refused, verifier, wrong(key.text)))
    wait_until(lambda: verifier._queues[text.split("_")[1]].length == 2)
    assert refused(verifier, text)
    assert refused(verifier, wrong(key.text))
    assert not any(call.done() for call in waiting)
    awake.set()
    assert all(call.result() for call in waiting)


@pytest.mark.django_db(transaction=True)
def test_of_many_keys_two_are_hashed_at_a_time(
    make_connection: MakeConnection,
    make_key: MakeKey,
    verifier: KeyVerifier,
    hasher: CountingHasher,
    in_thread: InThread,
) -> None:
    connection = make_connection()
    keys = [make_key(connection, f"key {number}") for number in range(6)]
    hasher.gate.clear()
    calls = [in_thread(verifier.verify, key.text) for key in keys]
    wait_until(lambda: hasher.at_once == 2)
    hasher.gate.set()
    wait(calls)
    assert [call.result().name for call in calls] == [key.api_key.name for key in keys]
    assert hasher.most_at_once == 2


@pytest.mark.django_db
def test_a_database_that_is_away_is_no_refusal(key: actions.NewApiKey, verifier: KeyVerifier) -> None:
    def unreachable(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> None:
        raise OperationalError("the connection is closed")

    with database.execute_wrapper(unreachable), pytest.raises(OperationalError):
        verifier.verify(key.text)
    assert verifier.verify(key.text).key_id == key.api_key.id


@pytest.mark.django_db
def test_what_is_remembered_is_bounded(
    key: actions.NewApiKey, hasher: CountingHasher, clock: Clock, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connections.verification._MEMORY_SIZE", 3)
    verifier = KeyVerifier(hasher=hasher, monotonic=clock.monotonic, sleep=clock.sleep)
    keys = [make_key(key.api_key.connection, f"key {number}") for number in range(6)]
    for other in keys:
        verifier.verify(other.text)
        refused(verifier, wrong(other.text))
    assert len(verifier._verified) == len(verifier._wrong) == len(verifier._queues) == 3
    hashes = hasher.hashes
    verifier.verify(keys[-1].text)
    assert hasher.hashes == hashes
    verifier.verify(keys[0].text)
    assert hasher.hashes == hashes + 1


def test_at_rest_a_key_is_hashed_with_argon2id() -> None:
    parameters = extract_parameters(hash_secret(new_key()))
    assert parameters.type.name == "ID"
    assert (parameters.time_cost, parameters.memory_cost, parameters.parallelism) == (2, 19 * 1024, 1)
    assert not HASHER.check_needs_rehash(hash_secret(new_key()))
