"""Writes that people ask for. Each is one transaction, and takes the clock from its caller."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction

from audit.models import Verb
from audit.record import record
from connections.models import Connection
from pull.http.client import Client
from pull.http.faults import Fault
from pull.http.hosts import AllowedHosts
from pull.models import DEFAULT_BACKFILL_DAYS, DEFAULT_INTERVAL, PullSource
from pull.secrets import decrypt, encrypt
from pull.sources import room_of
from pull.sources.fetcher import Opened, Step

# Of a test that a person waits for.
PROBE_SECONDS: Final = 20


class AlreadySetUp(Exception):
    """The connection has a source. Its text is for the person who sets one up."""

    def __init__(self) -> None:
        super().__init__("Observatory fetches for this connection already.")


class SecretNeeded(Exception):
    """The address was changed, and the stored secret is for the old one. Its text is as above."""

    def __init__(self) -> None:
        super().__init__("The address is another one: enter the password or token for it.")


def set_up_source(
    *,
    connection: Connection,
    system: str,
    config: Mapping[str, str],
    secret: Mapping[str, str],
    every_minutes: int = DEFAULT_INTERVAL,
    backfill_days: int = DEFAULT_BACKFILL_DAYS,
    created_by: AbstractBaseUser | None,
    now: datetime,
) -> PullSource:
    """Begin to fetch for a connection. `config`, `secret`: values of the room's fields.

    Raises AlreadySetUp, and Connection.DoesNotExist if somebody removed it meanwhile.
    """
    source = PullSource(
        connection=connection,
        system=system,
        config=dict(config),
        every_minutes=every_minutes,
        backfill_days=backfill_days,
        created_by_id=created_by.pk if created_by else None,
        created_at=now,
        next_at=now,
    )
    source.secret = _sealed(source, secret)
    with transaction.atomic():
        Connection.objects.lock(connection.pk)
        try:
            with transaction.atomic():
                source.save(force_insert=True)
        except IntegrityError as error:
            raise AlreadySetUp from error
        record(Verb.ADDED, source, {"address": (None, _url(source))})
    return source


def change_source(
    *,
    source: PullSource,
    config: Mapping[str, str],
    secret: Mapping[str, str] | None,
    every_minutes: int,
    now: datetime,
) -> None:
    """Change how a source is fetched from, and fetch at once. `secret` None: it stays.

    Ends the lease of a sync that is under way, and begins anew where more than the secret or the interval changed.
    Raises SecretNeeded, SecretUnreadable, and PullSource.DoesNotExist if
    somebody removed it meanwhile.
    """
    with transaction.atomic():
        current = PullSource.objects.live().select_for_update(of=("self",)).get(pk=source.pk)
        before = {"address": _url(current), "interval": current.every_minutes, **current.config}
        if secret is None and _url(current) != room_of(current.system).url(config) and current.secret:
            raise SecretNeeded
        if current.config != dict(config):
            _begin_anew(current)
        current.config, current.every_minutes = dict(config), every_minutes
        if secret is not None:
            current.secret = _sealed(current, secret)
        current.lease_token = current.lease_until = None
        current.next_at = current.asked_at = now
        current.failures = 0
        current.save()
        after = {"address": _url(current), "interval": current.every_minutes, **current.config}
        changes: dict[str, tuple[Any, Any]] = {
            name: (before.get(name), value) for name, value in after.items() if before.get(name) != value
        }
        if secret is not None:
            changes["secret"] = ("set", "set anew")
        record(Verb.CHANGED, current, changes)


def _begin_anew(source: PullSource) -> None:
    """Fetch all days again: it may be another system, or its jobs may have other names. Equal runs are repeats."""
    source.cursor = source.backfilled_to = source.backfill_to = source.jobs_read_at = None
    source.described.all().delete()
    source.open_runs.all().delete()


def ask_for_sync(*, source: PullSource, now: datetime) -> None:
    """Let the next free worker fetch from it; where one is at it, once more right after that."""
    PullSource.objects.live().filter(pk=source.pk, paused_at__isnull=True).update(next_at=now, asked_at=now)


@transaction.atomic
def pause(*, source: PullSource, now: datetime) -> None:
    """Fetch no more. A sync that is under way ends by itself."""
    if PullSource.objects.live().filter(pk=source.pk, paused_at__isnull=True).update(paused_at=now):
        record(Verb.CHANGED, source, {"fetching": ("on", "paused")})


@transaction.atomic
def resume(*, source: PullSource, now: datetime) -> None:
    paused = PullSource.objects.live().filter(pk=source.pk, paused_at__isnull=False)
    if paused.update(paused_at=None, next_at=now, asked_at=now):
        record(Verb.CHANGED, source, {"fetching": ("paused", "on")})


@transaction.atomic
def remove_source(*, source: PullSource) -> None:
    """Forget the source and its secret. What was fetched stays."""
    deleted, _ = PullSource.objects.filter(pk=source.pk).delete()
    if deleted:
        record(Verb.REMOVED, source, {"address": (_url(source), None)})


def probe(
    *, system: str, config: Mapping[str, str], secret: Mapping[str, str], allowed: AllowedHosts
) -> Iterator[Step]:
    """Try what fetching needs, with values that need not be stored. The last step may be one that did not pass."""
    room = room_of(system)
    try:
        client = Client(room.url(config), allowed)
    except ValueError as error:
        yield Step("Address", False, str(error))
        return
    with client:
        client_of = partial(Client, allowed=allowed)
        fetcher = room.open(Opened(config, secret, client, client_of, lambda _: ()))
        try:
            yield from fetcher.probe()
        except Fault as fault:
            yield Step("", False, fault.words)


def secret_of(source: PullSource) -> dict[str, str]:
    """The stored secret, for a test. Raises SecretUnreadable."""
    return decrypt(source.pk, _url(source), source.secret) if source.secret else {}


def _url(source: PullSource) -> str:
    return room_of(source.system).url(source.config)


def _sealed(source: PullSource, secret: Mapping[str, str]) -> str:
    return encrypt(source.pk, _url(source), secret) if any(secret.values()) else ""
