"""Reads for pages and the API: the state of fetching. Callers name connections that their reader sees."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit
from uuid import UUID

from django.conf import settings

from connections.models import Connection
from pull.models import PullSource, SyncRun
from pull.querysets import PullSourceQuerySet
from pull.sources import room_of

SYNCS_SHOWN: Final = 20
# A source that was due for so long has no worker. Workers may be busy with others for some minutes.
_OVERDUE_AFTER: Final = timedelta(minutes=10)
_DAY: Final = timedelta(days=1)


class Backfill(NamedTuple):
    """Progress of the first fetching: back to `until`, `done` of `days` days so far."""

    until: datetime
    done: int
    days: int


@dataclass(frozen=True, slots=True)
class Fetching:
    """State of fetching for a connection: its source, and the newest syncs of it, the newest first."""

    source: PullSource
    syncs: Sequence[SyncRun]
    now: datetime

    @property
    def host(self) -> str:
        """Host of the system, with the port if the address has one; the path if it is a directory."""
        address = urlsplit(room_of(self.source.system).url(self.source.config))
        return address.netloc or unquote(address.path)

    @property
    def last(self) -> SyncRun | None:
        """The newest sync that ended."""
        return next((sync for sync in self.syncs if sync.ended_at), None)

    @property
    def under_way(self) -> SyncRun | None:
        """The sync that a worker is at."""
        newest = self.syncs[0] if self.syncs else None
        is_leased = self.source.lease_until is not None and self.source.lease_until > self.now
        return newest if newest and not newest.ended_at and is_leased else None

    @property
    def is_due(self) -> bool:
        """True if a worker will begin with it as soon as one is free."""
        return not self.source.paused_at and not self.under_way and self.source.next_at <= self.now

    @property
    def is_overdue(self) -> bool:
        return self.is_due and self.now - self.source.next_at >= _OVERDUE_AFTER

    @property
    def has_failed(self) -> bool:
        """True if the newest sync that ended failed."""
        return self.last is not None and self.last.outcome == SyncRun.Outcome.FAILED

    @property
    def hint(self) -> str:
        """Advice of the system's room about the newest failure; empty if there is none."""
        return room_of(self.source.system).hints.get(self.last.code, "") if self.last and self.has_failed else ""

    @property
    def problem(self) -> str:
        """Reason in words why nothing is fetched; empty if it is."""
        if self.source.paused_at:
            return "Fetching is paused"
        if self.is_overdue:
            return "Nothing fetches: no worker has taken its turn"
        return f"Last sync failed: {self.last.reason}" if self.last and self.has_failed else ""

    @property
    def problem_at(self) -> datetime | None:
        if self.source.paused_at or not self.problem:
            return self.source.paused_at
        return self.source.next_at if self.is_overdue or not self.last else self.last.ended_at

    @property
    def backfill(self) -> Backfill | None:
        """Progress of the backfill. None before the first sync, and once all days were fetched."""
        source = self.source
        if source.backfilled_to is None or source.backfill_to is None or not source.is_backfilling:
            return None
        left = -(-(source.backfilled_to - source.backfill_to) // _DAY)
        # Syncs go back no further than events are kept.
        days = min(source.backfill_days, settings.EVENT_RETENTION_DAYS or source.backfill_days)
        return Backfill(source.backfill_to, max(days - left, 0), days)


def read_fetching(connection: Connection, *, now: datetime, syncs: int = 2) -> Fetching | None:
    """Read the source of one connection with its newest syncs. One query without a source, two with one.

    Two syncs suffice to tell the one that is under way, and the last one.
    """
    source = _sources([connection.pk]).first()
    return Fetching(source, list(source.syncs.newest(syncs)), now) if source else None


def read_fetching_of(connection_ids: Collection[UUID], *, now: datetime) -> dict[UUID, Fetching]:
    """Return connection id → its source with the last sync that ended, for those that have one. As many queries."""
    sources = list(_sources(connection_ids))
    last = SyncRun.objects.newest_ended([source.pk for source in sources]) if sources else ()
    syncs = {sync.source_id: [sync] for sync in last}
    return {source.connection_id: Fetching(source, syncs.get(source.pk, ()), now) for source in sources}


def _sources(connection_ids: Collection[UUID]) -> PullSourceQuerySet:
    # The secret is of no use here.
    return PullSource.objects.filter(connection__in=list(connection_ids)).defer("secret")
