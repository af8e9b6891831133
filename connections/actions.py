"""The writes of this room. Each is one transaction, and takes the clock from its caller."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, User
from django.db import models, transaction

from audit.actor import BY_EVENT
from audit.models import Verb
from audit.record import record
from connections.access import give_access
from connections.keys import API_KEY_PREFIX, Key, new_key
from connections.metrics import ATTEMPTS_DROPPED, ATTEMPTS_LISTED, Drop
from connections.models import MAX_TEXT_LENGTH, ApiKey, Attempt, Connection, ConnectionAccess, WorkspaceKey
from connections.names import MAX_NAME_LENGTH, normalize_name
from connections.pacing import LatelySeen, Pace
from connections.privacy import Audience, PrivacyClass
from connections.routes import bury_routes, claim_route
from connections.unique import save_unless_taken
from connections.verification import hash_secret
from connections.vouchers import VoucherKind

ATTEMPTS_KEPT: Final = {"rejected": 50, "accepted": 20, "test": 5}

_LAST_USED_PRECISION: Final = timedelta(minutes=1)
# The pace at which one process asks if another one wrote it.
_PACE_OF_LAST_USED: Final = Pace(count=1, per=timedelta(seconds=10))
# Anybody can send requests without a key: they must not become as many writes.
_PACE_OF_ATTEMPTS: Final = {
    "rejected": Pace(count=5, per=timedelta(seconds=1)),
    "accepted": Pace(count=1, per=timedelta(seconds=1)),
    "test": Pace(count=5, per=timedelta(seconds=1)),
}
# Ids that came without a valid key may be made up: a limit for looking them up, over all ids.
_PACE_OF_STRANGERS: Final = Pace(count=20, per=timedelta(seconds=1))
_ACQUAINTED: Final[LatelySeen[UUID]] = LatelySeen()
_KEYS: Final[Mapping[VoucherKind, models.Manager[Any]]] = {
    VoucherKind.API_KEY: ApiKey.objects,
    VoucherKind.WORKSPACE_KEY: WorkspaceKey.objects,
}
# Characters that PostgreSQL's text cannot hold.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class DuplicateName(Exception):
    """Another connection has this name, in whatever case. Its text is for the person who typed the name."""

    def __init__(self) -> None:
        super().__init__("There is a connection with this name already.")


class DuplicateKeyName(Exception):
    """The connection has an API key with this name, in whatever case. Its text is as above."""

    def __init__(self) -> None:
        super().__init__("This connection has an API key with this name already.")


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key that was just made. Its text is nowhere else, and cannot be had again."""

    api_key: ApiKey
    text: str

    def __repr__(self) -> str:
        return f"NewApiKey({self.api_key.name!r})"


def create_connection(
    *,
    name: str,
    type: str,  # noqa: A002 - the field's name
    created_by: AbstractBaseUser | None,
    now: datetime,
    namespace: str = "",
    made_by_event: bool = False,
) -> Connection:
    """Add a connection, which its creator may administer, with routes of its name and of `namespace`. A route that
    another connection has stays there.

    Raises DuplicateName, and ValidationError for a name or type that is not allowed.
    """
    connection = Connection(name=normalize_name(name), type=type, created_by_id=_id(created_by), created_at=now)
    connection.clean_fields()
    with transaction.atomic():
        save_unless_taken(connection, "connection_name_unique", DuplicateName)
        actor = BY_EVENT if made_by_event else None
        record(Verb.ADDED, connection, {"type": (None, connection.type)}, actor=actor)
        if isinstance(created_by, User) and not created_by.is_superuser:
            give_access(connection=connection, member=created_by, level=ConnectionAccess.Level.ADMIN)
        for routed in sorted({connection.name, namespace} - {""}):
            claim_route(connection=connection, namespace=routed, now=now, made_by_event=made_by_event)
    # Its first attempts follow soon.
    _ACQUAINTED.add(connection.id)
    return connection


def rename_connection(*, connection: Connection, name: str, now: datetime) -> None:
    """Rename a connection, and add a route of its new name. The earlier routes stay, for its senders do not change.

    Raises DuplicateName, ValidationError, and Connection.DoesNotExist if somebody removed it meanwhile.
    """
    with transaction.atomic():
        current = Connection.objects.lock(connection.pk)
        before, current.name = current.name, normalize_name(name)
        current.clean_fields()
        save_unless_taken(current, "connection_name_unique", DuplicateName, update_fields=["name"])
        if current.name != before:
            record(Verb.RENAMED, current, {"name": (before, current.name)})
        claim_route(connection=current, namespace=current.name, now=now)
    connection.name = current.name


def set_privacy(*, connection: Connection, audiences: Mapping[PrivacyClass, Audience]) -> None:
    """Choose who sees each class of parts of the events. Raises Connection.DoesNotExist if somebody removed the
    connection meanwhile."""
    with transaction.atomic():
        # So that no commit stores what was dropped before it ended.
        current = Connection.objects.lock(connection.pk, commits_wait=True)
        before = current.audiences
        current.who_sees |= {kind.value: audience.value for kind, audience in audiences.items()}
        current.save(update_fields=["who_sees"])
        changed = [kind for kind, audience in current.audiences.items() if audience != before[kind]]
        if changed:
            record(Verb.CHANGED, current, {kind.label: (before[kind], current.audiences[kind]) for kind in changed})
    connection.who_sees = current.who_sees


def end_connection(*, connection: Connection, now: datetime) -> None:
    """Removes a connection: from this commit on nothing shows it, and its keys are gone. Its rows are deleted later.

    Waits for the intake's transactions that are under way (connections/vouchers.py); the next ones find no key.
    """
    with transaction.atomic():
        current = Connection.objects.select_for_update().filter(pk=connection.pk).first()
        if current and current.removed_at is None:
            current.removed_at = now
            current.save(update_fields=["removed_at"])
            keys, _ = ApiKey.objects.filter(connection=current).delete()
            bury_routes(connection=current)
            record(Verb.REMOVED, current, {"API keys": (keys, 0)})
    connection.removed_at = current.removed_at if current else now


def create_api_key(
    *, connection: Connection, name: str, created_by: AbstractBaseUser | None, now: datetime
) -> NewApiKey:
    """Raises DuplicateKeyName, ValidationError, and Connection.DoesNotExist if somebody removed it meanwhile."""
    key = new_key(API_KEY_PREFIX)
    api_key = ApiKey(connection=connection, **columns_of_key(key, name, created_by, now))
    api_key.clean_fields()
    with transaction.atomic():
        Connection.objects.lock(connection.pk)
        save_unless_taken(api_key, "api_key_name_unique", DuplicateKeyName)
        record(Verb.ADDED, api_key, {"connection": (None, connection.name)})
    return NewApiKey(api_key=api_key, text=key.text)


def columns_of_key(key: Key, name: str, created_by: AbstractBaseUser | None, now: datetime) -> dict[str, Any]:
    """The columns that all kinds of keys have (SecretKey)."""
    return {
        "name": normalize_name(name),
        "lookup": key.lookup,
        "last_characters": key.last_characters,
        "secret_hash": hash_secret(key),
        "created_by_id": _id(created_by),
        "created_at": now,
    }


@transaction.atomic
def delete_api_key(*, api_key: ApiKey) -> None:
    """Deletes an API key, if it is still there. From this commit on every process refuses it."""
    deleted, _ = ApiKey.objects.filter(pk=api_key.pk).delete()
    if deleted:
        record(Verb.REMOVED, api_key, {"connection": (api_key.connection.name, None)})


def touch_keys(*, kind: VoucherKind, key_ids: Collection[UUID], now: datetime) -> None:
    """Notes that these keys were used. A key is written at most once a minute, over all processes."""
    due = [key_id for key_id in set(key_ids) if _PACE_OF_LAST_USED.allows(key_id, now)]
    if not due:
        return
    keys = _KEYS[kind]
    before = now - _LAST_USED_PRECISION
    stale = models.Q(last_used_at__isnull=True) | models.Q(last_used_at__lte=before)
    with transaction.atomic():
        # Keys are locked first, and a locked one is left out: its holder writes this time, too.
        free = keys.select_for_update(skip_locked=True, no_key=True).filter(stale, pk__in=due)
        keys.filter(pk__in=[key.pk for key in free.only("pk")]).update(last_used_at=now)


def record_attempt(
    *,
    connection_id: UUID,
    at: datetime,
    outcome: str,
    status: int,
    reason: str = "",
    code: str = "",
    key_name: str = "",
    key_connection_id: UUID | None = None,
    job_name: str = "",
) -> None:
    """Notes how a request at the intake ended, and forgets the oldest of its kind beyond ATTEMPTS_KEPT.

    `key_name` is that of a key of this connection that was verified, if one was; `key_connection_id` is set if the key
    is of another connection. The texts are cut to fit. Drops an attempt at a connection that is not there, what comes
    faster than is worth reading, and what comes for ids that may be made up beyond what is worth looking up.
    """
    kind = outcome if outcome in ATTEMPTS_KEPT else "accepted"
    # A key vouches for its connection.
    is_known = bool(key_name) or connection_id in _ACQUAINTED
    if drop := _reason_to_drop(connection_id, kind, at, is_known=is_known):
        ATTEMPTS_DROPPED[drop].inc()
        return
    attempt = Attempt(
        connection_id=connection_id,
        at=at,
        outcome=outcome,
        status=status,
        reason=fit(MAX_TEXT_LENGTH, reason),
        code=code,
        key_name=fit(MAX_NAME_LENGTH, key_name),
        key_connection_id=key_connection_id,
        job_name=fit(MAX_TEXT_LENGTH, job_name),
    )
    _list_if_connected(attempt, kind)


def _list_if_connected(attempt: Attempt, kind: str) -> None:
    """List the attempt, unless its connection is not there."""
    try:
        _list_attempt(attempt, kind)
    except Connection.DoesNotExist:
        _ACQUAINTED.discard(attempt.connection_id)
        ATTEMPTS_DROPPED[Drop.NO_CONNECTION].inc()
    else:
        _ACQUAINTED.add(attempt.connection_id)
        ATTEMPTS_LISTED.inc()


def _reason_to_drop(connection_id: UUID, kind: str, at: datetime, *, is_known: bool) -> Drop | None:
    """Return the reason for which this attempt is not worth a transaction, or None."""
    if not is_known and not _PACE_OF_STRANGERS.allows(None, at):
        return Drop.STRANGER
    return None if _PACE_OF_ATTEMPTS[kind].allows(connection_id, at) else Drop.PACED


@transaction.atomic
def _list_attempt(attempt: Attempt, kind: str) -> None:
    # Also keeps two from trimming at once.
    Connection.objects.lock(attempt.connection_id)
    attempt.save(force_insert=True)
    alike = Attempt.objects.of_kind(kind).filter(connection_id=attempt.connection_id)
    kept = alike.newest(ATTEMPTS_KEPT[kind]).values("pk")
    alike.exclude(pk__in=kept).delete()


def fit(limit: int, text: str) -> str:
    """Cut a text, and replace what PostgreSQL cannot store."""
    return _UNSTORABLE.sub("\ufffd", text[:limit])


def _id(user: AbstractBaseUser | None) -> Any:
    return user.pk if user else None
