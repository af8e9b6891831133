"""Limits on guessing passwords, counted in the database over all processes.

Failures are counted by account and address, by account over all unknown addresses, and by address over all accounts.
After some free tries each count refuses sign-ins for a time that doubles with every failure. An address is known to an
account after a sign-in to it. Known addresses only have the first count, and it never refuses them: it makes them wait
for a second. So nobody locks out others who have signed in before.

A sign-in is admitted, then its password is hashed, then it is concluded. The counts are locked and checked again before
the conclusion is shown, so guesses that are sent at once gain nothing.
"""

import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from observability.models import SignInCount

FAILURES_FORGOTTEN_AFTER: Final = timedelta(hours=1)
ADDRESS_FORGOTTEN_AFTER: Final = timedelta(days=180)
# Sign-ins from a known address after its free tries: one in each of these, and the longest time that one may wait.
TURN: Final = timedelta(seconds=1)
LONGEST_WAIT: Final = timedelta(seconds=2)
_FIRST_DELAY: Final = timedelta(seconds=30)
_LONGEST_DELAY: Final = timedelta(minutes=15)
_FREE_AT_ADDRESS: Final = 5
_FREE_OF_ACCOUNT: Final = 10
_FREE_OF_ADDRESS: Final = 20
_DELETED_AT_ONCE: Final = 100


class Throttled(Exception):
    """Too many sign-ins failed. Later ones may succeed."""


@dataclass(frozen=True, slots=True)
class Source:
    """Account that somebody tries to enter, and the address of the request.

    `is_second_step`: then no address becomes known, and an address is not counted over all accounts: it may be that of
    many people, and an attacker who guesses codes has the password already.
    """

    account: str
    address: str
    is_second_step: bool = False

    @property
    def own(self) -> tuple[str, str]:
        return self.account, self.address

    @property
    def counted_by(self) -> dict[tuple[str, str], int]:
        """Keys of the counts, in the order in which they are locked, and their free tries."""
        of_account = {(self.account, ""): _FREE_OF_ACCOUNT, self.own: _FREE_AT_ADDRESS}
        return of_account if self.is_second_step else {("", self.address): _FREE_OF_ADDRESS, **of_account}


def source_of(user: User | None, login: str, address: str) -> Source:
    """Return the source of a sign-in. A name and an e-mail address of one user are one account.

    Unknown names are counted like accounts. Only their hash is stored, because people type passwords there.
    """
    account = str(user.pk) if user else hashlib.sha256(login.casefold().encode()).hexdigest()
    return Source(account, _network_of(address))


def source_of_second_step(user: User, address: str) -> Source:
    return Source(f"second step {user.pk}", _network_of(address), is_second_step=True)


def admit(source: Source, *, now: datetime) -> timedelta:
    """Return the time that a sign-in has to wait before its password is hashed. Raises Throttled."""
    counts = _by_key(SignInCount.objects.filter(_any_of(source.counted_by)))
    own = counts.get(source.own)
    if own and own.is_known:
        return _take_turn(own, now)
    _check_delays(source, counts, now)
    return timedelta()


@transaction.atomic
def conclude(source: Source, *, succeeded: bool, now: datetime) -> None:
    """Count a sign-in whose password was hashed. Raises Throttled if too many others failed meanwhile: then nobody
    may learn whether the password was right."""
    expires_at = now + FAILURES_FORGOTTEN_AFTER
    new = [
        SignInCount(account=account, address=address, expires_at=expires_at) for account, address in source.counted_by
    ]
    SignInCount.objects.bulk_create(new, ignore_conflicts=True)
    locked = SignInCount.objects.filter(_any_of(source.counted_by)).order_by("account", "address").select_for_update()
    counts = _by_key(locked)
    own = counts[source.own]
    if not own.is_known:
        _check_delays(source, counts, now)
    if succeeded:
        own.is_known, own.failures, own.expires_at = not source.is_second_step, 0, now + ADDRESS_FORGOTTEN_AFTER
        own.save()
        return
    for count in [own] if own.is_known else counts.values():
        count.failures = _recent_failures(count, now) + 1
        count.last_at = max(now, count.last_at or now)
        count.expires_at = max(expires_at, count.expires_at)
        count.save()


def delete_expired(*, now: datetime) -> None:
    """Delete some of the counts that no longer matter. A failure adds three at most, so this keeps the table small."""
    with transaction.atomic():
        expired = SignInCount.objects.filter(expires_at__lt=now).select_for_update(skip_locked=True)
        ids = [count.pk for count in expired[:_DELETED_AT_ONCE]]
        SignInCount.objects.filter(pk__in=ids).delete()


@transaction.atomic
def _take_turn(known: SignInCount, now: datetime) -> timedelta:
    own = SignInCount.objects.select_for_update().get(pk=known.pk)
    if _recent_failures(own, now) < _FREE_AT_ADDRESS or own.last_at is None:
        return timedelta()
    turn = max(now, own.last_at + TURN)
    if turn - now > LONGEST_WAIT:
        raise Throttled
    own.last_at = turn
    own.save(update_fields=["last_at"])
    return turn - now


def _check_delays(source: Source, counts: dict[tuple[str, str], SignInCount], now: datetime) -> None:
    for key, free in source.counted_by.items():
        count = counts.get(key)
        if count and count.last_at and now < count.last_at + _delay(_recent_failures(count, now) - free):
            raise Throttled


def _delay(failures_too_many: int) -> timedelta:
    """Return the time without sign-ins: 0 below 0, then 30 s, a minute, …, a quarter of an hour."""
    if failures_too_many < 0:
        return timedelta()
    return min(_FIRST_DELAY * (1 << min(failures_too_many, 10)), _LONGEST_DELAY)


def _recent_failures(count: SignInCount, now: datetime) -> int:
    is_recent = count.last_at is not None and now < count.last_at + FAILURES_FORGOTTEN_AFTER
    return count.failures if is_recent else 0


def _by_key(counts: Iterable[SignInCount]) -> dict[tuple[str, str], SignInCount]:
    return {(count.account, count.address): count for count in counts}


def _any_of(keys: Iterable[tuple[str, str]]) -> Q:
    condition = Q()
    for account, address in keys:
        condition |= Q(account=account, address=address)
    return condition


def _network_of(address: str) -> str:
    """Return an IPv4 address as it is, and the first half of an IPv6 address, which is what one customer has."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network((int(ip), 64), strict=False).network_address)
