"""Whether the text of an API key is that of a key at rest.

A verified key is remembered by a SHA-256 of its text in this process, never persisted. The memory is about the
secret alone, which never changes: whether the key still exists is read from the database at each commit
(INSIST_LIVE in connections/querysets.py). Hashing is guarded: see docs/decisions/0004-api-keys.md.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final, TypeVar
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from connections.keys import Key, MalformedKey, parse_key
from connections.metrics import VERIFICATIONS, Verification
from connections.models import ApiKey

# OWASP's minimum for passwords. A secret of 214 random bits needs no slow hash to withstand guessing, so more would
# only make the first request of each key slower, and a flood of wrong ones dearer.
HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

_MEMORY_SIZE: Final = 10_000
# Hashes of one process at a time, over all keys: 19 MiB and a core each.
_HASHES_AT_ONCE: Final = 2
# Of one lookup part, so many different secrets may wait for their hash.
_MAX_WAITING: Final = 4
# After so many wrong secrets for one lookup part, further ones are hashed at this pace. Who waits keeps a thread
# of the intake, so no more than this may: all others are refused at once.
_FREE_FAILURES: Final = 5
_SECONDS_BETWEEN_HASHES: Final = 0.25
_MAX_WAITING_WHEN_PACED: Final = 2
_FAILURES_FORGOTTEN_AFTER_SECONDS: Final = 60.0

# A SHA-256 of the key's text: two keys never share one, and it gives no secret away.
Fingerprint = bytes
_Value = TypeVar("_Value")


class KeyRefused(Exception):
    """Malformed, unknown, deleted or wrong: callers are not told which."""


@dataclass(frozen=True, slots=True)
class VerifiedKey:
    """Whose key it is. That it still exists is for INSIST_LIVE in connections/querysets.py to say."""

    key_id: UUID
    connection_id: UUID
    name: str
    fingerprint: Fingerprint = field(repr=False, compare=False)


def hash_secret(key: Key) -> str:
    """What is kept of a key's secret at rest."""
    return HASHER.hash(key.secret)


def verify_key(text: str) -> VerifiedKey:
    """The key of this text, as a client sent it. Raises KeyRefused; a database that is away raises as always."""
    return _verifier.verify(text)


def remembered_key(text: str) -> VerifiedKey | None:
    """The key of this text, if this process verified it before. Never asks the database, and never waits."""
    return _verifier.remembered(text)


def forget_key(key: VerifiedKey) -> None:
    """To be called when a remembered key turns out to be gone: the next request with it is judged anew."""
    _verifier.forget(key)


def fingerprint_of(text: str) -> Fingerprint:
    """By which the key of this text is remembered."""
    return hashlib.sha256(text.encode()).digest()


@dataclass(slots=True)
class _Queue:
    """Those who wait for a hash for one lookup part, and how often it came out wrong."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    length: int = 0
    failures: int = 0
    last_failure_at: float = 0.0

    @property
    def is_paced(self) -> bool:
        return self.failures >= _FREE_FAILURES


class KeyVerifier:
    """Verifies keys: remembers, hashes each secret once however many ask, and paces wrong ones. Thread-safe."""

    def __init__(
        self,
        *,
        hasher: PasswordHasher = HASHER,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._hasher, self._monotonic, self._sleep = hasher, monotonic, sleep
        self._hashes = threading.BoundedSemaphore(_HASHES_AT_ONCE)
        # Held for moments only, around what follows it.
        self._guard = threading.Lock()
        self._verified: OrderedDict[Fingerprint, VerifiedKey] = OrderedDict()
        self._wrong: OrderedDict[Fingerprint, None] = OrderedDict()
        self._verifications: dict[Fingerprint, Future[VerifiedKey | None]] = {}
        self._queues: OrderedDict[str, _Queue] = OrderedDict()

    def verify(self, text: str) -> VerifiedKey:
        """See verify_key."""
        try:
            key = parse_key(text)
        except MalformedKey:
            raise KeyRefused from None
        fingerprint = fingerprint_of(text)
        with self._guard:
            if (remembered := self._verified.get(fingerprint)) is not None:
                self._verified.move_to_end(fingerprint)
                return remembered
            if fingerprint in self._wrong:
                self._wrong.move_to_end(fingerprint)
                raise KeyRefused
            under_way = self._verifications.get(fingerprint)
            if under_way and self._queues[key.lookup].is_paced:
                raise _throttled()
            if under_way is None:
                queue = self._enter_queue(key.lookup, fingerprint)
        verified = under_way.result() if under_way else self._verify_in_turn(key, fingerprint, queue)
        if verified is None:
            raise KeyRefused
        return verified

    def remembered(self, text: str) -> VerifiedKey | None:
        """See remembered_key."""
        with self._guard:
            return self._verified.get(fingerprint_of(text))

    def forget(self, key: VerifiedKey) -> None:
        """See forget_key."""
        with self._guard:
            self._verified.pop(key.fingerprint, None)

    def _enter_queue(self, lookup: str, fingerprint: Fingerprint) -> _Queue:
        queue = self._queues.setdefault(lookup, _Queue())
        if queue.length >= (_MAX_WAITING_WHEN_PACED if queue.is_paced else _MAX_WAITING):
            raise _throttled()
        queue.length += 1
        self._verifications[fingerprint] = Future()
        return queue

    def _leave_queue(self, lookup: str, fingerprint: Fingerprint, queue: _Queue) -> "Future[VerifiedKey | None]":
        queue.length -= 1
        if not queue.failures and not queue.length:
            del self._queues[lookup]
        elif len(self._queues) > _MEMORY_SIZE:
            idle = next((lookup for lookup, other in self._queues.items() if not other.length), None)
            if idle:
                del self._queues[idle]
        return self._verifications.pop(fingerprint)

    def _verify_in_turn(self, key: Key, fingerprint: Fingerprint, queue: _Queue) -> VerifiedKey | None:
        """Verifies, remembers, and tells all who asked for the same meanwhile."""
        try:
            with queue.lock:
                self._pace(queue)
                verified = self._look_up_and_hash(key, fingerprint, queue)
        except BaseException as error:
            with self._guard:
                verification = self._leave_queue(key.lookup, fingerprint, queue)
            verification.set_exception(error)
            raise
        with self._guard:
            if verified:
                _remember(self._verified, fingerprint, verified)
            verification = self._leave_queue(key.lookup, fingerprint, queue)
        verification.set_result(verified)
        return verified

    def _pace(self, queue: _Queue) -> None:
        # Before the look-up, so that who waits here holds no database connection. Only the lookup part of a key
        # that exists gathers failures, so one that is unknown never waits.
        since = self._monotonic() - queue.last_failure_at
        if since > _FAILURES_FORGOTTEN_AFTER_SECONDS:
            queue.failures = 0
        elif queue.is_paced and since < _SECONDS_BETWEEN_HASHES:
            self._sleep(_SECONDS_BETWEEN_HASHES - since)

    def _look_up_and_hash(self, key: Key, fingerprint: Fingerprint, queue: _Queue) -> VerifiedKey | None:
        api_key = ApiKey.objects.live().filter(lookup=key.lookup).first()
        if api_key is None:
            VERIFICATIONS[Verification.UNKNOWN].inc()
            return None
        try:
            with self._hashes:
                self._hasher.verify(api_key.secret_hash, key.secret)
        except VerificationError:
            # It stays wrong: a lookup part belongs to one key for ever, and a key's secret never changes.
            with self._guard:
                _remember(self._wrong, fingerprint, None)
            queue.failures += 1
            queue.last_failure_at = self._monotonic()
            VERIFICATIONS[Verification.WRONG].inc()
            return None
        VERIFICATIONS[Verification.VALID].inc()
        return VerifiedKey(api_key.id, api_key.connection_id, api_key.name, fingerprint)


def _throttled() -> KeyRefused:
    VERIFICATIONS[Verification.THROTTLED].inc()
    return KeyRefused()


def _remember(memory: OrderedDict[Fingerprint, _Value], fingerprint: Fingerprint, value: _Value) -> None:
    memory[fingerprint] = value
    if len(memory) > _MEMORY_SIZE:
        memory.popitem(last=False)


_verifier = KeyVerifier()
