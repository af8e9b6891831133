"""Verification of senders' keys: compares the text of a key with the hash at rest.

A process remembers the keys that it verified, by a SHA-256 of their text, and never persists them. It remembers the
secret alone, which never changes: each commit reads from the database whether the key still exists and may send there
(connections/vouchers.py). See docs/decisions/0004-api-keys.md.
"""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import ClassVar, Final, TypeAlias
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from connections.keys import WORKSPACE_KEY_PREFIX, Key, MalformedKey, new_key, parse_key, prefix_of_sender
from connections.metrics import VERIFICATIONS, Verification
from connections.models import ApiKey, WorkspaceKey
from connections.vouchers import Voucher, VoucherKind

# Argon2's smallest cost: 0.02 ms, against 47 ms with the parameters for passwords. At least 190 bits of a secret are
# unknown, so nobody can try them all, however fast a try is.
HASHER: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

_MEMORY_SIZE: Final = 10_000

# SHA-256 of a key's text: no two keys share one, and it does not reveal the secret.
Fingerprint = bytes


class KeyRefused(Exception):
    """The key is malformed, unknown, deleted or wrong. Callers do not learn which."""


@dataclass(frozen=True, slots=True)
class VerifiedKey:
    """API key that was valid when this process verified it. The commit checks that it still exists."""

    key_id: UUID
    connection_id: UUID
    name: str
    fingerprint: Fingerprint = field(repr=False, compare=False)

    @property
    def voucher(self) -> Voucher:
        return Voucher(VoucherKind.API_KEY, self.key_id, self.connection_id)

    def is_live(self) -> bool:
        """Ask the database whether the key is still valid."""
        return ApiKey.objects.live().filter(pk=self.key_id).exists()


@dataclass(frozen=True, slots=True)
class VerifiedWorkspaceKey:
    """Workspace key that was valid when this process verified it. Each of its events names its own connection."""

    key_id: UUID
    name: str
    fingerprint: Fingerprint = field(repr=False, compare=False)

    connection_id: ClassVar[None] = None

    def voucher_for(self, connection_id: UUID) -> Voucher:
        return Voucher(VoucherKind.WORKSPACE_KEY, self.key_id, connection_id)

    def is_live(self) -> bool:
        """Ask the database whether the key is still valid."""
        return WorkspaceKey.objects.live().filter(pk=self.key_id).exists()


AnyVerifiedKey: TypeAlias = VerifiedKey | VerifiedWorkspaceKey


def hash_secret(key: Key) -> str:
    """Return the hash of a key's secret, which is stored."""
    return HASHER.hash(key.secret)


def verify_key(text: str) -> AnyVerifiedKey:
    """Verify the text of a key, as a client sent it. Raises KeyRefused, and the database's errors."""
    return _verifier.verify(text)


def remembered_key(text: str) -> AnyVerifiedKey | None:
    """Return the key if this process has verified it. Does not ask the database, and never waits."""
    return _verifier.remembered(text)


def forget_key(key: AnyVerifiedKey) -> None:
    """Forget a remembered key that turned out to be deleted: the next request with it is verified again."""
    _verifier.forget(key)


def fingerprint_of(text: str) -> Fingerprint:
    """Return the hash by which a key is remembered."""
    return hashlib.sha256(text.encode()).digest()


class KeyVerifier:
    """Verifies keys, and remembers the valid ones. Thread-safe."""

    def __init__(self, *, hasher: PasswordHasher = HASHER) -> None:
        self._hasher = hasher
        # Takes the place of a stored hash where there is none, so that an unknown key costs as much as a wrong one.
        self._hash_of_nothing = hasher.hash(new_key().secret)
        self._guard = threading.Lock()
        self._verified: OrderedDict[Fingerprint, AnyVerifiedKey] = OrderedDict()

    def verify(self, text: str) -> AnyVerifiedKey:
        """Verify a key; see verify_key."""
        fingerprint = fingerprint_of(text)
        with self._guard:
            if (remembered := self._verified.get(fingerprint)) is not None:
                self._verified.move_to_end(fingerprint)
                return remembered
        try:
            key = parse_key(text, prefix_of_sender(text))
        except MalformedKey:
            raise KeyRefused from None
        verified = self._look_up_and_hash(key, fingerprint)
        with self._guard:
            self._verified[fingerprint] = verified
            if len(self._verified) > _MEMORY_SIZE:
                self._verified.popitem(last=False)
        return verified

    def remembered(self, text: str) -> AnyVerifiedKey | None:
        """Return a remembered key; see remembered_key."""
        with self._guard:
            return self._verified.get(fingerprint_of(text))

    def forget(self, key: AnyVerifiedKey) -> None:
        """Forget a key; see forget_key."""
        with self._guard:
            self._verified.pop(key.fingerprint, None)

    def _look_up_and_hash(self, key: Key, fingerprint: Fingerprint) -> AnyVerifiedKey:
        stored = _stored(key)
        try:
            self._hasher.verify(stored.secret_hash if stored else self._hash_of_nothing, key.secret)
        except VerificationError:
            VERIFICATIONS[Verification.WRONG if stored else Verification.UNKNOWN].inc()
            raise KeyRefused from None
        assert stored is not None  # noqa: S101 - nobody knows the secret of _hash_of_nothing
        VERIFICATIONS[Verification.VALID].inc()
        if isinstance(stored, ApiKey):
            return VerifiedKey(stored.id, stored.connection_id, stored.name, fingerprint)
        return VerifiedWorkspaceKey(stored.id, stored.name, fingerprint)


def _stored(key: Key) -> ApiKey | WorkspaceKey | None:
    if prefix_of_sender(key.text) == WORKSPACE_KEY_PREFIX:
        return WorkspaceKey.objects.live().filter(lookup=key.lookup).first()
    return ApiKey.objects.live().filter(lookup=key.lookup).first()


_verifier = KeyVerifier()
