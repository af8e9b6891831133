"""Turns of workers at a source. A worker has a lease with a token, and writes only while the token is in the row.

So two workers never fetch from one source at once; one that was stopped for longer than its lease writes nothing more,
and another goes on where the last finished window ended.
"""

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from django.db import transaction

from pull.models import PullSource, SyncRun

LEASE: Final = timedelta(minutes=5)
SYNCS_KEPT: Final = 50


class LeaseLost(Exception):
    """The lease ended, and another worker may have the source; or the source was changed or is gone."""


class Lease(NamedTuple):
    source_id: UUID
    token: UUID
    sync_id: int


def claim(*, now: datetime) -> Lease | None:
    """Take the turn at the source that waits longest, until `now` + LEASE. Returns None if none is due."""
    with transaction.atomic():
        source = PullSource.objects.due(now).select_for_update(skip_locked=True, of=("self",)).first()
        if source is None:
            return None
        # Its last worker ended without a word.
        unended = source.syncs.filter(outcome=SyncRun.Outcome.RUNNING)
        unended.update(outcome=SyncRun.Outcome.INTERRUPTED, ended_at=now, reason="Its worker ended on the way.")
        sync = source.syncs.create(began_at=now)
        source.lease_token, source.lease_until, source.asked_at = uuid4(), now + LEASE, None
        source.save(update_fields=["lease_token", "lease_until", "asked_at"])
    return Lease(source.pk, source.lease_token, sync.pk)


def renew(lease: Lease, *, now: datetime) -> None:
    """Raises LeaseLost."""
    held = PullSource.objects.held(lease.source_id, lease.token)
    if not held.update(lease_until=now + LEASE):
        raise LeaseLost


def write(lease: Lease, **columns: object) -> None:
    """Write columns of the source. Raises LeaseLost, and has written nothing then."""
    if not PullSource.objects.held(lease.source_id, lease.token).update(**columns):
        raise LeaseLost


def end(lease: Lease, *, next_at: datetime, now: datetime, **result: object) -> None:
    """Give the source back, with what became of the sync (columns of SyncRun). Raises LeaseLost."""
    with transaction.atomic():
        source = PullSource.objects.held(lease.source_id, lease.token).select_for_update().first()
        if source is None:
            raise LeaseLost
        source.next_at = min(next_at, source.asked_at or next_at)
        source.lease_token = source.lease_until = None
        source.save(update_fields=["next_at", "lease_token", "lease_until"])
        source.syncs.filter(pk=lease.sync_id).update(ended_at=now, **result)
        kept = source.syncs.newest(SYNCS_KEPT).values("pk")
        source.syncs.exclude(pk__in=kept).delete()
